-- Rows sent, used and warned about of each provider, by submission.
SELECT submission_id, p.provider_code, p.rows_sent, p.rows_used, p.rows_warned
FROM unnest(%(submissions)s::text[], %(rules)s::text[]) AS r (submission_id, rules_version)
JOIN core.provider_rows p USING (submission_id, rules_version)
ORDER BY submission_id, p.provider_code
