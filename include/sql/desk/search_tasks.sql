-- Open tasks by their rule, their heading, or a part of what was found.
SELECT t.submission_id, t.rule_id, t.column_name, t.example, t.findings, t.collection, t.period, t.sender, t.turn, t.is_overdue,
       t.is_sample, p.provider_name
FROM intake.task_turns t LEFT JOIN published.providers p ON p.provider_code = t.sender
WHERE upper(t.rule_id) = upper(%(text)s) OR strpos(lower(t.column_name), lower(%(text)s)) > 0
   OR strpos(lower(t.example), lower(%(text)s)) > 0
ORDER BY t.due NULLS LAST, t.received_at, t.submission_id, t.rule_id LIMIT 21
