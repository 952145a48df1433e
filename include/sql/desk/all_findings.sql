-- The findings of a submission for a spreadsheet, the worst first, then in file order; or only those that are not of the file alone.
SELECT finding_id, rule_id, severity, responsible, sheet, line, column_name, raw_value, message, decision_id
FROM intake.findings
WHERE submission_id = %(submission_id)s AND (number IS NULL OR NOT %(only_other)s)
ORDER BY array_position(ARRAY['hold', 'reject', 'warn', 'info'], severity), sheet, line, column_name, rule_id, message
