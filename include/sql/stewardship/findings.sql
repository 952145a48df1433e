-- The findings of a submission, in file order, with the decision that covers each; or only those that are not of the file alone.
SELECT rule_id, severity, responsible, scope, sheet, line, column_name, raw_value, message, decision_id
FROM intake.findings WHERE submission_id = %(submission_id)s AND (number IS NULL OR NOT %(only_other)s)
ORDER BY sheet NULLS FIRST, line NULLS FIRST, rule_id, column_name, finding_id
