-- The rules version of the newest validation, if its own row says the same as an earlier one.
SELECT n.rules_version
FROM core.validation n
JOIN core.validation o USING (submission_id)
-- Where rows and findings are kept does not matter: records_sha256 and findings_sha256 are of what they say.
CROSS JOIN (SELECT '{rules_version,validated_at,records_key,records_bytes,records_together,findings_key,findings_bytes}'::text[] AS names) but
WHERE submission_id = %(submission_id)s AND o.rules_version = %(before)s AND n.rules_version <> o.rules_version
  AND n.validated_at > o.validated_at
  AND to_jsonb(n) - but.names = to_jsonb(o) - but.names
ORDER BY n.validated_at DESC
LIMIT 1
