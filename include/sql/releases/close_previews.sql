-- Closes the offers of releases that stand now, and those of periods of which nothing else is to be published (the pairs given are those
-- of which something is).
INSERT INTO core.preview_close (preview_id, outcome, edition_number)
SELECT p.preview_id, CASE WHEN c.release_key IS NULL THEN 'dropped' ELSE 'published' END,
       CASE WHEN c.release_key IS NOT NULL THEN (SELECT max(number) FROM core.edition_switch) END
FROM core.preview_now p LEFT JOIN core.current_release c USING (release_key)
WHERE p.outcome IS NULL
  AND (c.release_key IS NOT NULL
       OR NOT EXISTS (SELECT FROM unnest(%(collections)s::text[], %(periods)s::text[]) u (collection, period)
                      WHERE (u.collection, u.period) = (p.collection, p.period)))
ON CONFLICT DO NOTHING
