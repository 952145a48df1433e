-- What each version of the published views promises: its columns, in order.
SELECT substring(n.nspname FROM '\d+$')::int, c.relname, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE n.nspname ~ '^published_v\d+$' AND c.relkind = 'v'
GROUP BY 1, 2, c.oid
ORDER BY 1, c.oid
