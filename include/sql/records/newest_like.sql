-- The rules version of the newest validation, if its own row says the same as an earlier one.
SELECT n.rules_version
FROM core.validation n
JOIN core.validation o USING (submission_id)
WHERE submission_id = %(submission_id)s AND o.rules_version = %(before)s AND n.rules_version <> o.rules_version
  AND n.validated_at > o.validated_at
  AND to_jsonb(n) - '{rules_version,validated_at}'::text[] = to_jsonb(o) - '{rules_version,validated_at}'::text[]
ORDER BY n.validated_at DESC
LIMIT 1
