-- The objects that the ledger names: the bucket, the key, and the submissions that it holds.
SELECT 'archive' AS bucket, s.archive_key AS key, string_agg(s.submission_id, ', ' ORDER BY s.submission_id) AS submissions
FROM core.submission s GROUP BY s.archive_key
UNION ALL
SELECT 'records', v.records_key, string_agg(DISTINCT v.submission_id, ', ' ORDER BY v.submission_id)
FROM core.validation v WHERE v.records_key IS NOT NULL GROUP BY v.records_key
UNION ALL
SELECT 'records', v.findings_key, string_agg(DISTINCT v.submission_id, ', ' ORDER BY v.submission_id)
FROM core.validation v WHERE v.findings_key IS NOT NULL GROUP BY v.findings_key
