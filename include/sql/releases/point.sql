INSERT INTO core.current_release (collection, period, release_key, published_at)
SELECT s.collection, s.period, core.key_of(s.release_id), %(at)s::timestamptz
FROM unnest(%(collections)s::text[], %(periods)s::text[], %(releases)s::text[]) AS s (collection, period, release_id)
ON CONFLICT (collection, period) DO UPDATE SET release_key = excluded.release_key, published_at = excluded.published_at
