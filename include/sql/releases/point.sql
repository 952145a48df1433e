INSERT INTO core.current_release (collection, period, release_id, published_at)
SELECT *, %(at)s::timestamptz FROM unnest(%(collections)s::text[], %(periods)s::text[], %(releases)s::text[])
ON CONFLICT (collection, period) DO UPDATE SET release_id = excluded.release_id, published_at = excluded.published_at
