-- The versions with which a trust answered, newest first: with the workbook that it was sent, or another file.
SELECT s.submission_id, s.collection, s.period, s.version, s.received_at, s.state, a.answers IS NOT NULL AS by_workbook
FROM intake.submissions s LEFT JOIN intake.answers a USING (submission_id)
WHERE s.sender = %(provider)s AND s.version > 1
ORDER BY s.received_at DESC LIMIT 20
