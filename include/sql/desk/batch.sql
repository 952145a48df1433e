-- The decisions that were made together, with the return that each is about.
SELECT d.decision_id, d.kind, d.author, d.decided_at, d.submission_id, d.collection, d.period, d.sender, d.part, d.version, d.rule_id,
       d.column_name, jsonb_array_length(d.cells) AS cells, d.cells -> 0 ->> 'line' AS line, d.cells -> 0 ->> 'saw' AS saw, d.new_value, d.until, d.reason, d.state, d.second_person, d.expected_release,
       d.verdict, d.verdict_by, d.verdict_at, d.verdict_words, s.state AS submission_state, s.is_sample, p.provider_name
FROM intake.decisions d
JOIN intake.submissions s USING (submission_id)
LEFT JOIN published.providers p ON p.provider_code = d.sender
WHERE d.batch = %(batch)s::text
ORDER BY coalesce(p.provider_name, d.sender), d.submission_id, d.decision_id
