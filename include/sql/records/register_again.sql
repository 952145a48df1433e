-- Registers the file of a submission as another submission.
INSERT INTO core.submission (submission_id, collection, period, sender, part, version, sha256, bytes, file_name, archive_key,
                             received_at, is_sample)
SELECT %(became)s, s.collection, %(period)s, %(sender)s, %(part)s, %(version)s, s.sha256, s.bytes, s.file_name, s.archive_key,
       s.received_at, s.is_sample
FROM core.submission s
WHERE s.submission_id = %(submission_id)s
