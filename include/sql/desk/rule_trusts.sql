-- Who broke a rule, in how many periods: newest versions, the most periods first.
SELECT s.sender, p.provider_name, count(DISTINCT (s.collection, s.period)) AS periods, sum(f.findings)::bigint AS findings,
       max(s.period) AS last_period
FROM intake.finding_counts f JOIN intake.submissions s USING (submission_id)
LEFT JOIN published.providers p ON p.provider_code = s.sender
WHERE f.rule_id = %(rule)s AND s.is_newest AND s.sender IS NOT NULL AND %(collection)s::text IN ('', s.collection)
GROUP BY 1, 2 ORDER BY periods DESC, findings DESC, s.sender LIMIT 50
