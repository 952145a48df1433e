-- Periods with submissions that were registered in the last hour and have not been validated.
SELECT DISTINCT s.collection, s.period FROM core.submission s
WHERE s.registered_at > now() - interval '1 hour'
  AND NOT EXISTS (SELECT FROM core.validation v WHERE v.submission_id = s.submission_id)
