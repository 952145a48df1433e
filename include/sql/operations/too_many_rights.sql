-- How many tables of facts the role that asks could empty, change, or free of the trigger that guards them.
SELECT current_user::text, count(*)
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
WHERE t.tgname = 'facts' AND c.relnamespace = 'core'::regnamespace AND c.relname NOT IN ('collection', 'history')
  AND (has_table_privilege(c.oid, 'TRUNCATE') OR has_any_column_privilege(c.oid, 'UPDATE') OR has_table_privilege(c.oid, 'DELETE')
       OR pg_has_role(c.relowner, 'MEMBER'));
