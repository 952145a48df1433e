-- What was decided about a rule, by kind and state, with the number of returns.
SELECT kind, state, count(*) AS decisions, count(DISTINCT submission_id) AS returns, max(decided_at) AS last_at
FROM intake.decisions
WHERE rule_id = %(rule)s AND kind IN ('waive', 'correct') AND %(collection)s::text IN ('', collection)
GROUP BY 1, 2 ORDER BY 1, 2
