-- Measures with their percentile rank: 100 x (trusts of the sector with a worse value + half of those with the same
-- value, itself included) / trusts of the sector. Neutral metrics and sectors too small for a rank have none, nor has a value that is
-- not whole; rank_withheld says which of these it is.
WITH scored AS (
    SELECT
        r.metric_id,
        r.provider_code,
        r.peer_group,
        -- Rounded so that values equal but for the last bit of a division tie.
        round(
            CASE m.polarity
                WHEN 'higher_better' THEN r.value
                WHEN 'lower_better' THEN -r.value
                WHEN 'target_100' THEN -abs(r.value - 100)
            END,
            9
        ) AS score
    FROM measured AS r
    JOIN metrics AS m USING (metric_id)
    WHERE r.value IS NOT NULL AND r.withheld IS NULL AND r.peer_group <> 'national'
),
ranked AS (
    SELECT
        metric_id,
        provider_code,
        rank() OVER (PARTITION BY metric_id, peer_group ORDER BY score) - 1 AS worse,
        count(*) OVER (PARTITION BY metric_id, peer_group, score) AS same,
        count(*) OVER (PARTITION BY metric_id, peer_group) AS all_of_them
    FROM scored
    WHERE score IS NOT NULL
)
SELECT
    r.metric_id,
    r.provider_code,
    r.numerator,
    r.denominator,
    r.value,
    r.quality_flag,
    CASE WHEN k.all_of_them >= for_rank() THEN 100.0 * (k.worse + k.same / 2.0) / k.all_of_them END AS percentile_rank,
    r.peer_group,
    r.is_sample,
    r.suppressed,
    r.rows_sent,
    r.rows_used,
    r.months_covered,
    r.months_expected,
    r.completeness,
    r.withheld,
    CASE
        WHEN r.withheld IS NOT NULL THEN r.withheld
        WHEN k.all_of_them >= for_rank() THEN NULL
        WHEN m.polarity = 'neutral' THEN 'NEUTRAL'
        WHEN r.peer_group = 'national' THEN 'NO_PEER_GROUP'
        ELSE 'PEERS_TOO_FEW'
    END AS rank_withheld
FROM measured AS r
LEFT JOIN ranked AS k USING (metric_id, provider_code)
LEFT JOIN metrics AS m USING (metric_id)
