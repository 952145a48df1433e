-- Every table of the warehouse with the columns that are stored, a table after those that it refers to.
WITH RECURSIVE tables AS (
  SELECT c.oid, n.nspname::text AS schema_name, c.relname::text AS table_name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'),
placed AS (
  SELECT t.oid, 0 AS depth FROM tables t
  UNION
  SELECT k.conrelid, p.depth + 1 FROM placed p JOIN pg_constraint k ON k.confrelid = p.oid AND k.contype = 'f' AND k.conrelid <> p.oid
  WHERE p.depth < 50)
SELECT t.schema_name, t.table_name,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
FROM tables t JOIN placed p USING (oid) GROUP BY t.oid, t.schema_name, t.table_name ORDER BY max(p.depth), t.schema_name, t.table_name
