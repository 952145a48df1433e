-- Submissions: what they were registered as, and where their files are.
SELECT s.submission_id, s.collection, s.period, s.sender, s.part, s.archive_key, s.sha256, s.bytes AS size, s.file_name, s.received_at,
       n.arrived_at AS says_arrived, a.sent_by
FROM core.submission s
LEFT JOIN core.not_dated n USING (submission_id)
LEFT JOIN core.sent_for_another a USING (submission_id)
WHERE s.submission_id = ANY(%(submission_ids)s)
ORDER BY array_position(%(submission_ids)s, s.submission_id)
