-- Which submission and validation of the returns of these submissions should be included in figures: the newest version that is accepted under the
-- decisions in force, a real one before a sample. Its columns are NULL where there is none.
SELECT DISTINCT c.collection, c.period, c.sender, c.part, best.submission_id, best.rules_version
FROM core.submission c
LEFT JOIN LATERAL (
  SELECT s.submission_id, v.rules_version
  FROM core.submission s
  CROSS JOIN LATERAL (
    SELECT v.rules_version, v.outcome
    FROM core.validation v
    WHERE v.submission_id = s.submission_id
    ORDER BY v.decisions = coalesce((SELECT a.decisions FROM core.applying_sets a WHERE a.submission_id = s.submission_id), '{}') DESC,
             v.validated_at DESC, v.rules_version DESC
    LIMIT 1
  ) v
  WHERE (s.collection, s.period, s.sender, s.part) = (c.collection, c.period, c.sender, c.part) AND v.outcome <> 'held'
  ORDER BY s.is_sample, s.version DESC
  LIMIT 1
) best ON true
WHERE c.submission_id = ANY(%(submission_ids)s)
  AND num_nulls(c.collection, c.period, c.sender, c.part) = 0
