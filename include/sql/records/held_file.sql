-- A submission whose file may be about something else by the rules in force: it is held, or it became another submission.
SELECT s.collection, s.period, s.sender, s.part, s.archive_key, s.sha256, s.bytes, s.file_name, s.received_at, i.became
FROM core.submission s
JOIN intake.validations v USING (submission_id)
LEFT JOIN core.identified_later i ON i.submission_id = s.submission_id
WHERE s.submission_id = %(submission_id)s AND (v.outcome = 'held' OR i.became IS NOT NULL)
  AND s.submission_id NOT IN (SELECT a.submission_id FROM core.sent_for_another a)
