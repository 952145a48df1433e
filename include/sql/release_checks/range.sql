-- Figures lie where they can: none is infinite or no number, percentile ranks and shares are from 0 to 100.
-- A share is one of a whole (not a rate against a plan or a headroom); of 20 values or more, one in twenty may lie outside,
-- because a trust may book a cost back: that is the trust's to mend, and a finding of its return.
WITH shares (metric_id) AS (
  VALUES ('WF04'), ('WF07'), ('WF08'), ('WF09'), ('WF11'), ('WF12'), ('WF13'), ('WF16'), ('ER07'), ('ER09'), ('ES03'), ('ES04'),
         ('ES07'), ('PP04'), ('PP05'), ('PP06'), ('DQ01'), ('DQ02'), ('DQ03'), ('DQ04'))
SELECT c.release_key, m.metric_id AS subject,
       format('%s of %s is no number or infinite: %s / %s = %s.', m.metric_id, m.provider_code, m.numerator, m.denominator, m.value) AS message
FROM candidate c JOIN core.measure m USING (release_key)
WHERE m.value IN ('NaN', 'Infinity', '-Infinity') OR m.numerator IN ('NaN', 'Infinity', '-Infinity')
   OR m.denominator IN ('NaN', 'Infinity', '-Infinity')
UNION ALL
SELECT c.release_key, b.metric_id, format('The benchmark of %s in %s is no number or infinite.', b.metric_id, b.peer_group)
FROM candidate c JOIN core.benchmark b USING (release_key)
WHERE 'NaN' IN (b.minimum, b.lower_quartile, b.median, b.upper_quartile, b.maximum)
   OR 'Infinity' IN (b.minimum, b.lower_quartile, b.median, b.upper_quartile, b.maximum)
   OR '-Infinity' IN (b.minimum, b.lower_quartile, b.median, b.upper_quartile, b.maximum)
UNION ALL
SELECT c.release_key, m.metric_id, format('%s has a percentile rank of %s. Expected 0 to 100.', m.metric_id, max(m.percentile_rank))
FROM candidate c JOIN core.measure m USING (release_key)
WHERE m.percentile_rank NOT BETWEEN 0 AND 100 GROUP BY 1, 2
UNION ALL
SELECT c.release_key, m.metric_id,
       format('%s is a share, and %s of its %s values lie outside 0 to 100 (from %s to %s).', m.metric_id,
              count(*) FILTER (WHERE m.value NOT BETWEEN 0 AND 100), count(*), min(m.value), max(m.value))
FROM candidate c JOIN core.measure m USING (release_key) JOIN shares USING (metric_id)
WHERE m.value IS NOT NULL
GROUP BY 1, 2 HAVING count(*) >= 20 AND count(*) FILTER (WHERE m.value NOT BETWEEN 0 AND 100) > 0.05 * count(*)
