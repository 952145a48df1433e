-- Collections of single trusts and periods whose deadline passed in the last two days: how many returns are missing of how many.
SELECT e.collection, e.period, min(e.due) AS due, count(*) FILTER (WHERE NOT came.has) AS missing, count(*) AS expected
FROM core.expected e
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM core.submission s
        WHERE (s.collection, s.period, s.sender) = (e.collection, e.period, e.sender)
    ) AS has
) came
WHERE e.due < %(now)s AND e.due > %(now)s - interval '2 days'
GROUP BY e.collection, e.period
HAVING count(*) > 1 AND bool_or(came.has) AND NOT bool_and(came.has)
ORDER BY 1, 2
