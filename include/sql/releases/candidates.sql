-- Every collection and period where something else should stand than does.
WITH wanted AS MATERIALIZED (
  SELECT d.collection, d.period, d.inputs_hash, core.release_of(d.collection, d.period, d.inputs_hash) AS release_id
  FROM unnest(%(collections)s::text[], %(periods)s::text[], %(hashes)s::text[]) AS d (collection, period, inputs_hash))
SELECT d.collection, d.period, d.inputs_hash, c.release_id AS standing, r.release_id, v.verdict,
       k.release_key IS NOT NULL AS checked, coalesce(k.failed, false) AS failed,
       NOT EXISTS (SELECT FROM core.release_input i WHERE i.release_key = c.release_key)
       OR EXISTS (SELECT FROM core.explained x WHERE (x.release_key, x.previous_release_key) = (r.release_key, c.release_key)) AS explained,
       p.ends_at AS preview_ends, coalesce(l.closes <= now(), true) AS is_closed
FROM wanted d LEFT JOIN core.standing c USING (collection, period)
LEFT JOIN core.release r ON r.release_id = d.release_id
LEFT JOIN LATERAL (
  SELECT verdict FROM core.release_verdict v WHERE v.release_key = r.release_key ORDER BY v.verdict_id DESC LIMIT 1) v ON true
LEFT JOIN LATERAL (
  SELECT k.release_key, bool_or(NOT k.passed) AS failed FROM core.release_check k
  WHERE k.release_key = r.release_key AND k.against_key IS NOT DISTINCT FROM c.release_key GROUP BY k.release_key) k ON true
LEFT JOIN core.calendar l ON (l.collection, l.period) = (d.collection, d.period)
LEFT JOIN core.preview_now p ON p.release_key = r.release_key AND p.outcome IS NULL
WHERE r.release_id IS NULL OR r.release_id IS DISTINCT FROM c.release_id ORDER BY d.collection, d.period
