-- Whether a submission was never validated and no decision applies to it.
SELECT NOT EXISTS (SELECT FROM core.validation WHERE submission_id = %(submission_id)s)
   AND NOT EXISTS (SELECT FROM core.applying WHERE submission_id = %(submission_id)s)
