-- The open findings of a submission by rule and column, for who approves a decision about all of it.
SELECT rule_id, column_name, severity, sum(findings - covered)::bigint AS findings
FROM intake.finding_counts WHERE submission_id = %(submission_id)s AND severity <> 'info'
GROUP BY 1, 2, 3 HAVING sum(findings - covered) > 0
ORDER BY array_position(ARRAY['hold', 'reject', 'warn'], severity), sum(findings - covered) DESC, rule_id, column_name
