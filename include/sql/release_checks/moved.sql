-- Not too much moved far: of a metric's values that both releases have (20 or more), at most a quarter moved by more than half of what
-- they were, or of what is usual for the metric where that is more. Asked only where nine tenths of the providers were there before: while
-- returns still come in, what is compared with others moves. Metrics on data quality follow from the log of submissions and are left out.
WITH pairs AS (
  SELECT c.release_key, n.metric_id, o.value AS before, n.value AS after
  FROM candidate c JOIN core.measure n USING (release_key)
  LEFT JOIN core.measure o ON (o.release_key, o.metric_id, o.provider_code) = (c.against_key, n.metric_id, n.provider_code)
  WHERE c.comparable AND n.value IS NOT NULL
  AND NOT EXISTS (SELECT FROM core.metric m WHERE m.metric_id = n.metric_id AND m.fed_by = 'all')),
usual AS (
  SELECT release_key, metric_id, count(*) AS reporting, count(before) AS both,
         percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(before)) AS usual
  FROM pairs GROUP BY 1, 2)
SELECT p.release_key, p.metric_id AS subject,
       format('%s: %s of %s values moved by more than half. Expected at most a quarter of them.', p.metric_id,
              count(*) FILTER (WHERE abs(p.after - p.before) > 0.5 * greatest(abs(p.before), u.usual)), u.both) AS message
FROM pairs p JOIN usual u USING (release_key, metric_id)
WHERE p.before IS NOT NULL AND u.both >= 20 AND u.both >= 0.9 * u.reporting
GROUP BY 1, 2, u.both HAVING count(*) FILTER (WHERE abs(p.after - p.before) > 0.5 * greatest(abs(p.before), u.usual)) > 0.25 * u.both
