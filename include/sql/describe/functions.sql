-- The functions of schema published: name, parameters, the two as somebody writes them, and the comment.
SELECT p.proname, coalesce(p.proargnames[:p.pronargs], '{}'),
       format('%s(%s)', p.proname,
              replace(replace(pg_get_function_arguments(p.oid), 'timestamp with time zone', 'timestamptz'), 'NULL::text', 'NULL')),
       obj_description(p.oid, 'pg_proc')
FROM pg_proc p
WHERE p.pronamespace = 'published'::regnamespace
ORDER BY p.oid
