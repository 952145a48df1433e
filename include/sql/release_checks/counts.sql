-- Nothing has thinned out: where 20 or more reported a metric, or a price list had 20 lines or more, four fifths still do.
SELECT c.release_key, o.metric_id AS subject,
       format('%s providers had a value of %s, and %s have one now. Expected at least %s.', o.reporting, o.metric_id, coalesce(n.reporting, 0),
              ceil(0.8 * o.reporting)) AS message
FROM candidate c
JOIN (SELECT release_key, metric_id, count(value) AS reporting FROM core.measure WHERE release_key IN (SELECT against_key FROM candidate WHERE comparable)
      GROUP BY 1, 2) o ON o.release_key = c.against_key
LEFT JOIN (SELECT release_key, metric_id, count(value) AS reporting FROM core.measure WHERE release_key IN (SELECT release_key FROM candidate)
           GROUP BY 1, 2) n ON (n.release_key, n.metric_id) = (c.release_key, o.metric_id)
WHERE c.comparable AND o.reporting >= 20 AND coalesce(n.reporting, 0) < 0.8 * o.reporting
UNION ALL
SELECT c.release_key, 'price list ' || o.part,
       format('The price list %s had %s lines, and has %s now. Expected at least %s.', o.part, o.lines, coalesce(n.lines, 0), ceil(0.8 * o.lines))
FROM candidate c
JOIN (SELECT release_key, part, count(*) AS lines FROM core.price_list WHERE release_key IN (SELECT against_key FROM candidate WHERE comparable)
      GROUP BY 1, 2) o ON o.release_key = c.against_key
LEFT JOIN (SELECT release_key, part, count(*) AS lines FROM core.price_list WHERE release_key IN (SELECT release_key FROM candidate)
           GROUP BY 1, 2) n ON (n.release_key, n.part) = (c.release_key, o.part)
WHERE c.comparable AND o.lines >= 20 AND coalesce(n.lines, 0) < 0.8 * o.lines
