-- Submissions with their validations that are in force, in the order given.
SELECT s.submission_id, s.period, s.sender, s.part, s.version, s.is_sample, s.received_at, s.archive_key, s.sha256, s.bytes,
       s.file_name, v.rules_version, v.outcome, v.rows_read, v.rows_recorded, v.rows_rejected, v.cells_expected,
       v.cells_valid, v.records_sha256
FROM unnest(%(submission_ids)s::text[]) WITH ORDINALITY AS w (submission_id, at) JOIN core.submission s USING (submission_id)
LEFT JOIN intake.validations v USING (submission_id) ORDER BY w.at
