-- The next revision of each pair, with how many values changed.
INSERT INTO core.revision (collection, period, revision, release_key, previous_release_key, published_at, values_changed, reason)
SELECT s.collection, s.period,
       1 + coalesce((SELECT max(v.revision) FROM core.revision v WHERE (v.collection, v.period) = (s.collection, s.period)), 0),
       s.release_key, s.previous_key, %(at)s, m.changed, s.reason
FROM (
  SELECT u.collection, u.period, core.key_of(u.previous) AS previous_key, core.key_of(u.release_id) AS release_key, u.reason
  FROM unnest(%(collections)s::text[], %(periods)s::text[], %(previous)s::text[], %(releases)s::text[], %(reasons)s::text[])
    AS u (collection, period, previous, release_id, reason)) s
CROSS JOIN LATERAL (
  SELECT count(*) AS changed
  FROM (SELECT metric_id, provider_code, value FROM core.measure WHERE release_key = s.previous_key) o
  FULL JOIN (SELECT metric_id, provider_code, value FROM core.measure WHERE release_key = s.release_key) n USING (metric_id, provider_code)
  WHERE o.value IS DISTINCT FROM n.value) m
