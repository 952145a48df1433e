-- No category is lost: every metric with 20 values or more, every peer group of 10 providers or more, every part of a price list and
-- every kind of product code with 20 lines or more is still there.
WITH were AS (
  SELECT release_id, 'metric' AS what, metric_id AS which, count(value) AS many, 20 AS enough FROM core.measure
  WHERE release_id IN (SELECT against FROM candidate WHERE comparable) GROUP BY 1, 3
  UNION ALL
  SELECT release_id, 'peer group', peer_group, max(providers), 10 FROM core.benchmark
  WHERE release_id IN (SELECT against FROM candidate WHERE comparable) GROUP BY 1, 3
  UNION ALL
  SELECT release_id, 'part of the price list', part, count(*), 20 FROM core.price_list
  WHERE release_id IN (SELECT against FROM candidate WHERE comparable) GROUP BY 1, 3
  UNION ALL
  SELECT release_id, 'kind of product code', code_type, count(*), 20 FROM core.price_spread
  WHERE release_id IN (SELECT against FROM candidate WHERE comparable) GROUP BY 1, 3),
are AS (
  SELECT DISTINCT release_id, 'metric' AS what, metric_id AS which FROM core.measure WHERE release_id IN (SELECT release_id FROM candidate)
  UNION
  SELECT release_id, 'peer group', peer_group FROM core.benchmark WHERE release_id IN (SELECT release_id FROM candidate)
  UNION
  SELECT release_id, 'part of the price list', part FROM core.price_list WHERE release_id IN (SELECT release_id FROM candidate)
  UNION
  SELECT release_id, 'kind of product code', code_type FROM core.price_spread WHERE release_id IN (SELECT release_id FROM candidate))
SELECT c.release_id, w.what || ' ' || w.which AS subject,
       format('The %s %s was there (%s) and is gone.', w.what, w.which, w.many) AS message
FROM candidate c JOIN were w ON w.release_id = c.against
WHERE c.comparable AND w.many >= w.enough
AND NOT EXISTS (SELECT FROM are a WHERE (a.release_id, a.what, a.which) = (c.release_id, w.what, w.which))
