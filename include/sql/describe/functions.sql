-- The functions of schema published with their parameters, as somebody writes them, and their comments.
SELECT format('%s(%s)', p.proname,
              replace(replace(pg_get_function_arguments(p.oid), 'timestamp with time zone', 'timestamptz'), 'NULL::text', 'NULL')),
       obj_description(p.oid, 'pg_proc')
FROM pg_proc p
WHERE p.pronamespace = 'published'::regnamespace
ORDER BY p.oid
