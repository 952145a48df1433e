-- One page of the decisions that fit the filters ('' for any), newest first.
SELECT d.decision_id, d.kind, d.author, d.decided_at, d.submission_id, d.collection, d.period, d.sender, d.version, d.rule_id,
       d.column_name, jsonb_array_length(d.cells) AS cells, d.assignee, d.until, d.undoes, d.reason, d.state, d.verdict_by, d.batch,
       p.provider_name, s.is_sample
FROM intake.decisions d
JOIN intake.submissions s USING (submission_id)
LEFT JOIN published.providers p ON p.provider_code = d.sender
WHERE (%(state)s::text = '' OR d.state = %(state)s)
  AND (%(kind)s::text = '' OR d.kind = %(kind)s)
  AND (%(collection)s::text = '' OR d.collection = %(collection)s)
  AND (%(period)s::text = '' OR d.period = %(period)s)
  AND (%(author)s::text = '' OR d.author = %(author)s)
ORDER BY d.decision_id DESC LIMIT %(size)s OFFSET %(offset)s
