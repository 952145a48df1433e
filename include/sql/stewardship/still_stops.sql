-- The first findings of a submission that hold it and that no decision passes over.
SELECT f.rule_id, f.message FROM intake.findings f
WHERE f.submission_id = %(submission_id)s AND f.decision_id IS NULL AND f.severity = 'hold'
ORDER BY f.number NULLS FIRST, f.line LIMIT 3
