DELETE FROM core.current_release
WHERE (collection, period) IN (SELECT * FROM unnest(%(collections)s::text[], %(periods)s::text[]))
