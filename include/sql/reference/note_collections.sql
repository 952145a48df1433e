-- Collections that are not known yet, or that the catalogue describes otherwise by now. Where nothing differs no row is touched or locked.
INSERT INTO core.collection (collection, title, frequency, kind)
SELECT n.collection, n.title, n.frequency, n.kind
FROM unnest(%(collections)s::text[], %(titles)s::text[], %(frequencies)s::text[], %(kinds)s::text[]) AS n (collection, title, frequency, kind)
WHERE NOT EXISTS (
  SELECT FROM core.collection c
  WHERE (c.collection, c.title, c.frequency, c.kind) = (n.collection, n.title, n.frequency, n.kind))
ORDER BY n.collection
ON CONFLICT (collection) DO UPDATE SET title = excluded.title, frequency = excluded.frequency, kind = excluded.kind
