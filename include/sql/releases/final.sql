-- Which of the pairs are final and have been published before.
SELECT s.collection, s.period FROM unnest(%(collections)s::text[], %(periods)s::text[]) AS s (collection, period)
JOIN core.calendar k USING (collection, period)
WHERE k.final_from <= clock_timestamp()
  AND EXISTS (SELECT FROM core.release_log l WHERE (l.collection, l.period) = (s.collection, s.period) AND l.release_key IS NOT NULL)
