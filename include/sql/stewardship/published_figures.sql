-- The figures of the current release, each with its largest opportunity over all kinds of benchmark.
WITH current AS (
  SELECT release_key FROM core.current_release WHERE collection = %(collection)s AND period = %(period)s),
worth AS (
  SELECT c.metric_id, c.provider_code, max(c.opportunity_gbp) AS opportunity
  FROM current JOIN core.comparison c USING (release_key) GROUP BY 1, 2)
SELECT m.metric_id, m.provider_code, m.unit, m.value, m.numerator, m.denominator, m.percentile_rank, m.quality_flag, w.opportunity
FROM current JOIN core.measure m USING (release_key)
LEFT JOIN worth w USING (metric_id, provider_code)
