-- The last look at each source, and the newest period that each has put into the inbox.
SELECT s.collection || '/' || s.source AS key, l.ended_at, l.outcome
FROM (SELECT DISTINCT collection, source FROM core.source_look) AS s
CROSS JOIN LATERAL (
  SELECT o.ended_at, o.outcome FROM core.source_look AS o
  WHERE o.collection = s.collection AND o.source = s.source
  ORDER BY o.ended_at DESC LIMIT 1) AS l
