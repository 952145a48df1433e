-- Every finding of a submission, in file order, with the decision that covers it.
SELECT rule_id, severity, responsible, scope, sheet, line, column_name, raw_value, message, decision_id
FROM intake.findings WHERE submission_id = %(submission_id)s
ORDER BY sheet NULLS FIRST, line NULLS FIRST, rule_id, column_name, finding_id
