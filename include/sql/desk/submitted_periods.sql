-- The collections and periods of all submissions.
SELECT DISTINCT collection, period FROM intake.submissions
