-- No metric went to zero: where 20 or more had another value than 0, somebody still has.
SELECT c.release_key, o.metric_id AS subject,
       format('%s was another value than 0 for %s providers, and is 0 or empty for all now.', o.metric_id, o.filled) AS message
FROM candidate c
JOIN (SELECT release_key, metric_id, count(*) AS filled FROM core.measure
      WHERE release_key IN (SELECT against_key FROM candidate WHERE comparable) AND value <> 0 GROUP BY 1, 2) o ON o.release_key = c.against_key
WHERE c.comparable AND o.filled >= 20
AND EXISTS (SELECT FROM core.measure n WHERE (n.release_key, n.metric_id) = (c.release_key, o.metric_id))
AND NOT EXISTS (SELECT FROM core.measure n WHERE (n.release_key, n.metric_id) = (c.release_key, o.metric_id) AND n.value <> 0)
