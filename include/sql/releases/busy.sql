-- Periods with submissions that were registered in the last hour and have never been validated: their figures are left for later. Not
-- intake.waiting, which has those too that a decision or a rule made wait again: what they come to changes figures that stand already.
SELECT DISTINCT s.collection, s.period FROM core.submission s
WHERE s.registered_at > now() - interval '1 hour'
  AND NOT EXISTS (SELECT FROM core.validation v WHERE v.submission_id = s.submission_id)
