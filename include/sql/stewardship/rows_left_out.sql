-- The places of the rows that are left out, in file order.
SELECT DISTINCT f.sheet, f.line
FROM core.finding f JOIN intake.validations v USING (submission_id, rules_version)
WHERE f.submission_id = %(submission_id)s AND f.severity = 'reject' AND f.decision_id IS NULL AND f.line IS NOT NULL
ORDER BY 1, 2
