-- Every provider in this period's figures times every metric that the collection feeds. Needs computed and returns.
-- Not reported is NULL and flagged D; figures about returns come from our own log, so they stand even then.
CREATE TEMP TABLE measured AS
WITH fed AS (
    -- A metric belongs to one collection, and others may lend it their records.
    SELECT metric_id FROM metrics WHERE collection = target_collection() AND list_contains(fed_by, target_collection())
    UNION
    SELECT metric_id FROM computed
)
SELECT
    f.metric_id,
    r.provider_code,
    c.numerator,
    c.denominator,
    c.value,
    c.gbp_per_unit,
    CASE
        WHEN starts_with(f.metric_id, 'DQ') THEN CASE WHEN c.value IS NULL THEN 'D' ELSE 'A' END
        ELSE r.quality_flag
    END AS quality_flag,
    r.peer_group,
    r.is_sample
FROM returns AS r
CROSS JOIN fed AS f
LEFT JOIN computed AS c
    ON c.metric_id = f.metric_id
    AND c.provider_code = r.provider_code
    AND (r.quality_flag <> 'D' OR starts_with(f.metric_id, 'DQ'))
WHERE c.metric_id IS NOT NULL OR NOT starts_with(f.metric_id, 'DQ');
