-- Open tasks of the collections that a person looks after, and those assigned to them; the worst first.
SELECT collection, period, sender, part, rule_id, column_name, severity, findings, first_line, example, assignee, is_sample
FROM intake.tasks
WHERE collection = ANY(%(collections)s) OR lower(btrim(assignee)) = lower(%(name)s)
ORDER BY array_position(ARRAY['hold', 'reject', 'warn'], severity), closes NULLS LAST, due NULLS LAST,
         collection, period, sender, part, rule_id, column_name
