-- No metric went to zero: where 20 or more had another value than 0, somebody still has.
SELECT c.release_id, o.metric_id AS subject,
       format('%s was another value than 0 for %s providers, and is 0 or empty for all now.', o.metric_id, o.filled) AS message
FROM candidate c
JOIN (SELECT release_id, metric_id, count(*) AS filled FROM core.measure
      WHERE release_id IN (SELECT against FROM candidate WHERE comparable) AND value <> 0 GROUP BY 1, 2) o ON o.release_id = c.against
WHERE c.comparable AND o.filled >= 20
AND EXISTS (SELECT FROM core.measure n WHERE (n.release_id, n.metric_id) = (c.release_id, o.metric_id))
AND NOT EXISTS (SELECT FROM core.measure n WHERE (n.release_id, n.metric_id) = (c.release_id, o.metric_id) AND n.value <> 0)
