-- What a trust's returns get wrong: rules by the number of periods in whose newest version they were broken.
SELECT s.collection, f.rule_id, count(DISTINCT s.period) AS periods, sum(f.findings)::bigint AS findings,
       sum(f.covered)::bigint AS covered, max(s.period) AS last_period
FROM intake.finding_counts f JOIN intake.submissions s USING (submission_id)
WHERE s.sender = %(provider)s AND s.is_newest AND f.severity <> 'info'
GROUP BY 1, 2 ORDER BY periods DESC, findings DESC, s.collection, f.rule_id LIMIT 30
