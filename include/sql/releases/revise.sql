-- The next revision of each pair, with how many values changed.
INSERT INTO core.revision (collection, period, revision, release_id, previous_release_id, published_at, values_changed, reason)
SELECT s.collection, s.period,
       1 + coalesce((SELECT max(v.revision) FROM core.revision v WHERE (v.collection, v.period) = (s.collection, s.period)), 0),
       s.release_id, s.previous, %(at)s, m.changed, s.reason
FROM unnest(%(collections)s::text[], %(periods)s::text[], %(previous)s::text[], %(releases)s::text[], %(reasons)s::text[])
  AS s (collection, period, previous, release_id, reason)
CROSS JOIN LATERAL (
  SELECT count(*) AS changed
  FROM (SELECT metric_id, provider_code, value FROM core.measure WHERE release_id = s.previous) o
  FULL JOIN (SELECT metric_id, provider_code, value FROM core.measure WHERE release_id = s.release_id) n USING (metric_id, provider_code)
  WHERE o.value IS DISTINCT FROM n.value) m
