-- How often a rule was broken: newest versions by collection and period, the newest period first.
SELECT s.collection, s.period, count(DISTINCT s.submission_id) AS returns, sum(f.findings)::bigint AS findings,
       sum(f.covered)::bigint AS covered, min(f.severity) AS severity,
       (SELECT count(*) FROM intake.submissions o
        WHERE (o.collection, o.period) = (s.collection, s.period) AND o.is_newest) AS all_returns
FROM intake.finding_counts f JOIN intake.submissions s USING (submission_id)
WHERE f.rule_id = %(rule)s AND s.is_newest AND s.period IS NOT NULL AND %(collection)s::text IN ('', s.collection)
GROUP BY 1, 2 ORDER BY s.period DESC, s.collection LIMIT 60
