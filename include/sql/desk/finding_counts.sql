-- How many findings a submission has by rule and column, how many of them a decision covers, and how many are listed.
SELECT rule_id, column_name, severity, responsible, sum(findings)::bigint AS findings, sum(covered)::bigint AS covered,
       sum(listed)::bigint AS listed
FROM intake.finding_counts WHERE submission_id = %(submission_id)s
GROUP BY 1, 2, 3, 4
ORDER BY array_position(ARRAY['hold', 'reject', 'warn', 'info'], severity), sum(findings) DESC, rule_id, column_name
