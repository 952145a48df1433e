-- Of these submissions, those that were never validated and that no decision applies to.
SELECT s.submission_id
FROM core.submission s
WHERE s.submission_id = ANY(%(submission_ids)s)
  AND NOT EXISTS (SELECT FROM core.validation v WHERE v.submission_id = s.submission_id)
  AND NOT EXISTS (SELECT FROM core.applying a WHERE a.submission_id = s.submission_id)
