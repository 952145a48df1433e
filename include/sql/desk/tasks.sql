-- One page of the tasks that fit the filters ('' for any), nearest deadline first, each with the totals of all that fit.
-- With no task on the page, one row of totals and nulls.
WITH fitting AS MATERIALIZED (
  SELECT t.*, p.provider_name
  FROM intake.task_turns t LEFT JOIN published.providers p ON p.provider_code = t.sender
  WHERE (%(collection)s::text = '' OR t.collection = %(collection)s)
    AND (%(period)s::text = '' OR t.period = %(period)s)
    AND (%(provider)s::text = '' OR t.sender = upper(%(provider)s)
         OR strpos(lower(p.provider_name), lower(%(provider)s)) > 0)
    AND (%(severity)s::text = '' OR t.severity = %(severity)s)
    AND (%(responsible)s::text = '' OR t.responsible = %(responsible)s)
    AND (%(turn)s::text = '' OR t.turn = %(turn)s)
    AND (%(rule)s::text = '' OR t.rule_id = %(rule)s)
    AND (%(assignee)s::text = '' OR t.assignee = CASE %(assignee)s WHEN 'me' THEN %(me)s ELSE %(assignee)s END
         OR (%(assignee)s = 'nobody' AND t.assignee IS NULL)))
SELECT f.*, a.tasks_in_all, a.findings_in_all, a.overdue_in_all, a.any_sample
FROM (
  SELECT count(*) AS tasks_in_all, coalesce(sum(findings), 0)::bigint AS findings_in_all,
         count(*) FILTER (WHERE is_overdue) AS overdue_in_all, coalesce(bool_or(is_sample), false) AS any_sample
  FROM fitting) a
LEFT JOIN (
  SELECT * FROM fitting
  ORDER BY due NULLS LAST, received_at, submission_id, array_position(ARRAY['hold', 'reject', 'warn'], severity), rule_id,
           column_name
  LIMIT %(size)s OFFSET %(offset)s) f ON true
