-- Where the accepted rows of these submissions are, as they stand.
SELECT submission_id, records_key AS key, records_bytes AS size, records_together AS together
FROM intake.validations
WHERE submission_id = ANY(%(submissions)s) AND records_key IS NOT NULL
ORDER BY submission_id
