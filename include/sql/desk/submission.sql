-- One submission with its sender's name.
SELECT s.*, p.provider_name
FROM intake.submissions s LEFT JOIN published.providers p ON p.provider_code = s.sender
WHERE s.submission_id = %(submission_id)s
