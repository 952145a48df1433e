-- Every collection and period where something else should stand than does.
SELECT d.collection, d.period, d.inputs_hash, c.release_id AS standing, r.release_id, v.verdict,
       k.release_id IS NOT NULL AS checked, coalesce(k.failed, false) AS failed,
       NOT EXISTS (SELECT FROM core.release_input i WHERE i.release_id = c.release_id)
       OR EXISTS (SELECT FROM core.explained x WHERE (x.release_id, x.previous_release_id) = (r.release_id, c.release_id)) AS explained
FROM unnest(%(collections)s::text[], %(periods)s::text[], %(hashes)s::text[]) AS d (collection, period, inputs_hash)
LEFT JOIN core.current_release c USING (collection, period)
CROSS JOIN LATERAL (SELECT core.release_of(d.collection, d.period, d.inputs_hash) AS release_id) r
LEFT JOIN LATERAL (
  SELECT verdict FROM core.release_verdict v WHERE v.release_id = r.release_id ORDER BY v.verdict_id DESC LIMIT 1) v ON true
LEFT JOIN LATERAL (
  SELECT k.release_id, bool_or(NOT k.passed) AS failed FROM core.release_check k
  WHERE (k.release_id, k.against) = (r.release_id, coalesce(c.release_id, '')) GROUP BY k.release_id) k ON true
WHERE r.release_id IS NULL OR r.release_id IS DISTINCT FROM c.release_id ORDER BY d.collection, d.period
