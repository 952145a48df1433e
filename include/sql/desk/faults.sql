-- The same fault in several returns of a collection and period that wait for us, under the filters ('' for any), the most returns first.
SELECT t.collection, t.period, t.rule_id, t.column_folded, t.severity, min(t.column_name) AS column_name,
       count(DISTINCT t.submission_id) AS returns, sum(t.findings)::bigint AS findings, min(t.due) AS due,
       bool_or(t.is_overdue) AS is_overdue, bool_or(t.is_sample) AS is_sample, min(t.example) AS example
FROM intake.task_turns t LEFT JOIN published.providers p ON p.provider_code = t.sender
WHERE t.turn = 'us' AND t.period IS NOT NULL AND t.sender IS NOT NULL
  AND (%(collection)s::text = '' OR t.collection = %(collection)s)
  AND (%(period)s::text = '' OR t.period = %(period)s)
  AND (%(provider)s::text = '' OR t.sender = upper(%(provider)s)
       OR strpos(lower(p.provider_name), lower(%(provider)s)) > 0)
  AND (%(severity)s::text = '' OR t.severity = %(severity)s)
  AND (%(responsible)s::text = '' OR t.responsible = %(responsible)s)
  AND (%(rule)s::text = '' OR t.rule_id = %(rule)s)
  AND (%(assignee)s::text = '' OR t.assignee = CASE %(assignee)s WHEN 'me' THEN %(me)s ELSE %(assignee)s END
       OR (%(assignee)s = 'nobody' AND t.assignee IS NULL))
GROUP BY 1, 2, 3, 4, 5
HAVING count(DISTINCT t.submission_id) > 1
ORDER BY returns DESC, due NULLS LAST, collection, period, rule_id, column_folded LIMIT 20
