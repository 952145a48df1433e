-- One submission with its sender's name, and the deadline and state of the return that it is a version of.
SELECT s.submission_id, s.sha256, s.collection, s.file_name, s.period, s.sender, p.provider_name AS name, s.version, s.received_at,
       s.state, s.rows_read, s.rows_recorded, s.rows_rejected, s.rows_held, s.is_sample, s.is_newest, s.is_returned,
       b.due, b.closes, b.counting
FROM intake.submissions s
LEFT JOIN published.providers p ON p.provider_code = s.sender
LEFT JOIN intake.board b ON (b.collection, b.period, b.sender, b.part) = (s.collection, s.period, s.sender, s.part)
WHERE s.submission_id = %(submission_id)s
