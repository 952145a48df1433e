-- All findings of a submission for a spreadsheet, the worst first, then in file order.
SELECT finding_id, rule_id, severity, responsible, sheet, line, column_name, raw_value, message, decision_id
FROM intake.findings
WHERE submission_id = %(submission_id)s
ORDER BY array_position(ARRAY['hold', 'reject', 'warn', 'info'], severity), sheet, line, column_name, rule_id, message
