-- The submissions of a collection in the order in which they are replayed: files of no known period first.
SELECT s.submission_id, s.period
FROM core.submission s
WHERE s.collection = %(collection)s
  AND s.submission_id NOT IN (SELECT i.submission_id FROM core.identified_later i)
ORDER BY s.period NULLS FIRST, s.received_at, s.registered_at, s.sender, s.part, s.version
