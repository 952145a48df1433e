-- Whether two validations of a submission have other findings, rows by provider or profiles. Findings that are not listed make
-- another core.validation.findings_sha256 (newest_like).
WITH said AS (
  SELECT 'finding' AS kind, to_jsonb(t) - 'rules_version' AS what, t.rules_version
  FROM core.finding t WHERE t.submission_id = %(submission_id)s AND t.rules_version IN (%(before)s, %(after)s)
  UNION ALL
  SELECT 'provider_rows', to_jsonb(t) - 'rules_version', t.rules_version
  FROM core.provider_rows t WHERE t.submission_id = %(submission_id)s AND t.rules_version IN (%(before)s, %(after)s)
  UNION ALL
  SELECT 'profile', to_jsonb(t) - 'rules_version', t.rules_version
  FROM core.profile t WHERE t.submission_id = %(submission_id)s AND t.rules_version IN (%(before)s, %(after)s)
)
SELECT EXISTS (
  SELECT FROM said
  GROUP BY kind, what
  HAVING count(*) FILTER (WHERE rules_version = %(before)s) <> count(*) FILTER (WHERE rules_version = %(after)s)
)
