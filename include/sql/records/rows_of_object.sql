-- The submissions whose accepted rows, or findings, an object holds, each once: where a decision left them as they were, two validations
-- name the same object, and the one without decisions is made again more easily.
SELECT DISTINCT ON (s.submission_id) s.submission_id, s.collection, s.period, v.decisions, v.records_sha256,
       CASE WHEN v.findings_key = %(key)s THEN v.findings_sha256 END AS findings_sha256
FROM core.validation v
JOIN core.submission s USING (submission_id)
WHERE v.records_key = %(key)s OR v.findings_key = %(key)s
ORDER BY s.submission_id, cardinality(v.decisions), v.validated_at DESC
