-- Of submissions that count under decisions: whom they and each decision are about, and what they are by the same rules without any.
SELECT w.submission_id, s.collection, CASE WHEN s.collection = ANY(%(national)s) THEN NULL ELSE s.sender END AS provider_code, v.decisions,
       ARRAY(SELECT d.provider_code FROM unnest(v.decisions) WITH ORDINALITY AS n (decision_id, at)
             JOIN core.decision d USING (decision_id) ORDER BY n.at) AS providers,
       p.rules_version AS plain_rules, p.records_key, p.records_bytes, p.records_together
FROM unnest(%(submissions)s::text[], %(rules)s::text[]) AS w (submission_id, rules_version)
JOIN core.submission s USING (submission_id) JOIN core.validation v USING (submission_id, rules_version)
LEFT JOIN LATERAL (
  SELECT p.rules_version, p.records_key, p.records_bytes, p.records_together FROM core.validation p
  WHERE p.submission_id = w.submission_id AND p.decisions = '{}'
  ORDER BY p.rules_version = split_part(w.rules_version, '.', 1) DESC, p.validated_at DESC LIMIT 1) p ON true
ORDER BY s.collection, s.period, w.submission_id
