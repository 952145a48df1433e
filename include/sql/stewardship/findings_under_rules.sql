-- The findings of a submission under a version of the rules.
SELECT rule_id, severity, sheet, line, column_name, raw_value, message
FROM core.finding WHERE (submission_id, rules_version) = (%(submission_id)s, %(rules_version)s)
