-- The last look at each source: when it began, and what it came to.
SELECT DISTINCT ON (collection, source) collection || '/' || source AS key, began_at, outcome
FROM core.source_look
ORDER BY collection, source, began_at DESC, ended_at DESC
