-- One submission: what it was registered as, and where its file is.
SELECT s.submission_id, s.collection, s.period, s.sender, s.part, s.archive_key, s.sha256, s.file_name, s.received_at,
       n.arrived_at AS says_arrived
FROM core.submission s
LEFT JOIN core.not_dated n USING (submission_id)
WHERE s.submission_id = %(submission_id)s
