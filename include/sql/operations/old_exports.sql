-- Of these releases, those that may lose their export: not known, or not current and replaced so long ago.
SELECT g.release_id FROM unnest(%(releases)s::text[]) AS g (release_id)
LEFT JOIN core.release r USING (release_id)
WHERE r.release_key IS NULL
   OR (NOT EXISTS (SELECT FROM core.current_release c WHERE c.release_key = r.release_key)
       AND coalesce((
         SELECT max(n.published_at) FROM core.release_log l JOIN core.release_log n ON (n.collection, n.period) = (l.collection, l.period)
         WHERE l.release_key = r.release_key AND n.move_id = (
           SELECT min(x.move_id) FROM core.release_log x WHERE (x.collection, x.period) = (l.collection, l.period) AND x.move_id > l.move_id)),
         r.created_at) < now() - make_interval(days => %(days)s))
ORDER BY 1
