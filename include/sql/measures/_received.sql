-- What was received, seen from the inputs. Needs submissions and parts. Makes parts_missing (the declared parts of a national collection
-- that nobody sent for the period) and price_samples (whether each trust's returns are samples).
CREATE TEMP TABLE parts_missing AS
WITH received AS (
    SELECT part FROM submissions WHERE is_current AND collection = target_collection() AND period = target_period()
)
SELECT part FROM parts ANTI JOIN received USING (part) WHERE NOT EXISTS (SELECT 1 FROM received WHERE part = '');

CREATE TEMP TABLE price_samples AS
SELECT provider_code, bool_or(is_sample) AS is_sample
FROM submissions
WHERE is_current AND collection = target_collection() AND provider_code IS NOT NULL
GROUP BY provider_code;
