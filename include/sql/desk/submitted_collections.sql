-- The collections of all submissions.
SELECT DISTINCT collection FROM intake.submissions ORDER BY 1
