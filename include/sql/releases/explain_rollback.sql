-- One step, the rollback, for every value that moves, between pairs of releases that are not explained yet.
WITH new AS (
  INSERT INTO core.explained (release_key, previous_release_key)
  SELECT core.key_of(s.release_id), core.key_of(s.previous)
  FROM unnest(%(collections)s::text[], %(periods)s::text[], %(previous)s::text[], %(releases)s::text[]) AS s (collection, period, previous, release_id)
  ON CONFLICT DO NOTHING RETURNING release_key, previous_release_key)
INSERT INTO core.movement (release_key, previous_release_key, metric_id, provider_code, step, cause, value_before, value_after)
SELECT s.release_key, s.previous_release_key, m.metric_id, m.provider_code, 1, 'rollback', m.before, m.after
FROM new s CROSS JOIN LATERAL (
  SELECT metric_id, provider_code, o.value AS before, n.value AS after
  FROM (SELECT metric_id, provider_code, value FROM core.measure WHERE release_key = s.previous_release_key) o
  FULL JOIN (SELECT metric_id, provider_code, value FROM core.measure WHERE release_key = s.release_key) n USING (metric_id, provider_code)
  WHERE o.value IS DISTINCT FROM n.value) m
