-- When a source last answered, whatever it said; where it never did, when it was first looked at.
SELECT coalesce(max(began_at) FILTER (WHERE reached), min(began_at))
FROM core.source_look
WHERE collection = %(collection)s AND source = %(source)s
