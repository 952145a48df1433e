-- Every column of the views that people read, as pg_catalog describes it; views in the order in which they were made.
SELECT n.nspname AS schema, c.relname AS view, obj_description(c.oid, 'pg_class') AS about, a.attname AS column,
       format_type(a.atttypid, a.atttypmod) AS type, col_description(c.oid, a.attnum) AS words
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE n.nspname IN ('published', 'intake') AND c.relkind = 'v'
ORDER BY n.nspname DESC, c.oid, a.attnum
