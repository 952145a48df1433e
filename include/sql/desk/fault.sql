-- The returns of a collection and period in which a rule found the same fault in the same column, with whose turn each is.
SELECT t.submission_id, min(t.collection) AS collection, min(t.period) AS period, min(t.sender) AS sender, min(t.part) AS part,
       min(t.version) AS version, min(t.submission_state) AS submission_state, array_agg(DISTINCT t.column_name) AS columns,
       min(t.severity) AS severity, sum(t.findings)::bigint AS findings, min(t.first_line) AS first_line, min(t.example) AS example,
       min(t.due) AS due, min(t.assignee) AS assignee, bool_or(t.is_sample) AS is_sample, bool_or(t.is_overdue) AS is_overdue,
       min(t.turn) AS turn, min(t.proposal) AS proposal, min(p.provider_name) AS provider_name
FROM intake.task_turns t LEFT JOIN published.providers p ON p.provider_code = t.sender
WHERE (t.collection, t.period, t.rule_id, t.column_folded)
    = (%(collection)s::text, %(period)s::text, %(rule)s::text, %(column)s::text)
GROUP BY t.submission_id
ORDER BY coalesce(min(p.provider_name), min(t.sender)), t.submission_id
