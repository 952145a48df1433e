-- The validated submissions of a window, the rules that each was validated under, and whether it counts.
SELECT s.submission_id, v.rules_version, c.submission_id IS NOT NULL AS counts
FROM core.submission s JOIN intake.validations v USING (submission_id)
LEFT JOIN core.counting c ON c.submission_id = s.submission_id AND c.rules_version = v.rules_version
WHERE (s.collection, s.period) IN (SELECT * FROM unnest(%(collections)s::text[], %(periods)s::text[]))
