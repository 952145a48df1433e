-- Findings about the whole return (none that merely counts its rows with errors) that a decision covers.
SELECT DISTINCT f.rule_id, f.message
FROM core.finding f JOIN intake.validations v USING (submission_id, rules_version)
WHERE f.submission_id = %(submission_id)s AND f.decision_id IS NOT NULL AND f.line IS NULL AND f.severity = 'hold'
  AND f.rule_id <> 'CEILING'
ORDER BY 1, 2
