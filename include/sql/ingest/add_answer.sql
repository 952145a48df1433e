-- Notes that a submission answers an earlier version of the same return.
INSERT INTO core.answer (submission_id, answers)
SELECT n.submission_id, o.submission_id
FROM core.submission n
JOIN core.submission o
  ON (o.collection, o.period, o.sender, o.part) IS NOT DISTINCT FROM (n.collection, n.period, n.sender, n.part)
  AND o.version < n.version
WHERE n.submission_id = %(submission_id)s AND o.submission_id = %(answers)s
ON CONFLICT DO NOTHING
