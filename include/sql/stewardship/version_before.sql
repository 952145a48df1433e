-- The version of the same return that a submission answers (its trust filled in the workbook), or else the newest before it.
SELECT o.submission_id, o.version, s.version AS own_version, a.answers IS NOT NULL AS is_answered
FROM intake.submissions s
JOIN intake.submissions o
  ON (o.collection, o.period, o.sender, o.part) IS NOT DISTINCT FROM (s.collection, s.period, s.sender, s.part)
 AND o.version < s.version
LEFT JOIN intake.answers a ON a.submission_id = s.submission_id AND a.answers = o.submission_id
WHERE s.submission_id = %(submission_id)s
ORDER BY a.answers IS NOT NULL DESC, o.version DESC LIMIT 1
