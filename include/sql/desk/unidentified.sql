-- Submissions whose period or sender is not known, of one collection or of all ('').
SELECT submission_id, collection, file_name, received_at, state, is_sample
FROM intake.submissions
WHERE (period IS NULL OR sender IS NULL) AND NOT is_returned AND %(collection)s::text IN ('', collection)
ORDER BY received_at DESC, submission_id
