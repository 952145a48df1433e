-- Trusts whose series breaks in this period, because they took over or handed over something: not compared with the
-- period before. A rename breaks nothing.
CREATE TEMP TABLE breaks AS
SELECT DISTINCT unnest([from_code, to_code]) AS provider_code
FROM successions
WHERE
    type <> 'rename'
    AND legal_date > period_end(period_before(target_period()))
    AND legal_date <= period_end(target_period());
