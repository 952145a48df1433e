-- Submissions by a part of the file's name, or the beginning of the file's SHA-256 or the submission's number.
SELECT s.submission_id, s.file_name, s.collection, s.period, s.sender, s.version, s.state, s.received_at, s.is_sample, p.provider_name
FROM intake.submissions s LEFT JOIN published.providers p ON p.provider_code = s.sender
WHERE strpos(lower(s.file_name), lower(%(text)s)) > 0
   OR (length(%(text)s::text) >= 8 AND (starts_with(s.sha256, lower(%(text)s)) OR starts_with(s.submission_id, lower(%(text)s))))
ORDER BY s.received_at DESC, s.submission_id LIMIT 21
