-- What the own collection's submissions look like as a whole, by column. Sketches are compared between a return's own period and the
-- three before; of earlier periods, columns of numbers are enough.
WITH r AS (
  SELECT r.submission_id, r.rules_version,
         s.period = %(period)s OR (r.counts AND
           dense_rank() OVER (PARTITION BY r.counts, s.sender, coalesce(s.part, '') ORDER BY s.period DESC) <= 4) AS is_near
  FROM unnest(%(submissions)s::text[], %(rules)s::text[], %(counts)s::boolean[]) AS r (submission_id, rules_version, counts)
  JOIN core.submission s USING (submission_id) WHERE s.collection = %(collection)s)
SELECT submission_id, p.column_name, p.rows, p.filled, p.distinct_values, p.minimum, p.lower_quartile, p.median, p.upper_quartile,
       p.maximum, p.total, p.patterns, p.recognised, CASE WHEN r.is_near THEN p.sketch END AS sketch
FROM r JOIN core.profile p USING (submission_id, rules_version)
WHERE r.is_near OR p.median IS NOT NULL ORDER BY submission_id, p.column_name
