-- No category is lost: every metric with 20 values or more, every peer group of 10 providers or more, every part of a price list and
-- every kind of product code with 20 lines or more is still there.
WITH were AS (
  SELECT release_key, 'metric' AS what, metric_id AS which, count(value) AS many, 20 AS enough FROM core.measure
  WHERE release_key IN (SELECT against_key FROM candidate WHERE comparable) GROUP BY 1, 3
  UNION ALL
  SELECT release_key, 'peer group', peer_group, max(providers), 10 FROM core.benchmark
  WHERE release_key IN (SELECT against_key FROM candidate WHERE comparable) GROUP BY 1, 3
  UNION ALL
  SELECT release_key, 'part of the price list', part, count(*), 20 FROM core.price_list
  WHERE release_key IN (SELECT against_key FROM candidate WHERE comparable) GROUP BY 1, 3
  UNION ALL
  SELECT release_key, 'kind of product code', code_type, count(*), 20 FROM core.price_spread
  WHERE release_key IN (SELECT against_key FROM candidate WHERE comparable) GROUP BY 1, 3),
are AS (
  SELECT DISTINCT release_key, 'metric' AS what, metric_id AS which FROM core.measure WHERE release_key IN (SELECT release_key FROM candidate)
  UNION
  SELECT release_key, 'peer group', peer_group FROM core.benchmark WHERE release_key IN (SELECT release_key FROM candidate)
  UNION
  SELECT release_key, 'part of the price list', part FROM core.price_list WHERE release_key IN (SELECT release_key FROM candidate)
  UNION
  SELECT release_key, 'kind of product code', code_type FROM core.price_spread WHERE release_key IN (SELECT release_key FROM candidate))
SELECT c.release_key, w.what || ' ' || w.which AS subject,
       format('The %s %s was there (%s) and is gone.', w.what, w.which, w.many) AS message
FROM candidate c JOIN were w ON w.release_key = c.against_key
WHERE c.comparable AND w.many >= w.enough
AND NOT EXISTS (SELECT FROM are a WHERE (a.release_key, a.what, a.which) = (c.release_key, w.what, w.which))
