-- How many findings a submission has by rule and column, and how many of them a decision covers.
SELECT rule_id, column_name, severity, responsible, count(*) AS findings, count(decision_id) AS covered
FROM intake.findings WHERE submission_id = %(submission_id)s
GROUP BY 1, 2, 3, 4
ORDER BY array_position(ARRAY['hold', 'reject', 'warn', 'info'], severity), count(*) DESC, rule_id, column_name
