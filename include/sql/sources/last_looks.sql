-- The last look at each source: when it began, what it came to, and whether the publisher answered.
SELECT DISTINCT ON (collection, source) collection || '/' || source AS key, began_at, outcome, reached
FROM core.source_look
ORDER BY collection, source, began_at DESC, ended_at DESC
