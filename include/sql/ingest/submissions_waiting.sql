-- Submissions of one period that wait for validation, with their size.
SELECT submission_id, bytes
FROM intake.waiting
WHERE collection = %(collection)s AND period = %(period)s
ORDER BY sender, part, version
