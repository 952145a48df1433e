-- How many of these submissions have no validation at all.
SELECT count(*)
FROM unnest(%(submission_ids)s::text[]) AS listed (submission_id)
WHERE NOT EXISTS (SELECT FROM core.validation v WHERE v.submission_id = listed.submission_id)
