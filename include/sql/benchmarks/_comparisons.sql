-- Each value against the national median, its peers' median and quartiles (itself left out), and its metric's default.
-- variance is (value - benchmark) / |benchmark|, NULL for a benchmark of 0. Opportunities are never netted: they start at
-- 0, overlap between metrics and kinds, and only rows with adds_to_total may be summed, those of one span (adds_over) at a time.
-- Only whole values are compared.
WITH own AS (
    SELECT
        r.metric_id,
        r.provider_code,
        r.value,
        r.gbp_per_unit,
        m.polarity,
        m.opportunity_root,
        -- The months that the value is about, first and last.
        CASE
            WHEN is_year(target_period())
            THEN month_of(period_start(target_period())) || '..' || month_of(period_end(target_period()))
            WHEN m.window_months > 1 THEN months_before(target_period(), m.window_months - 1) || '..' || target_period()
            ELSE target_period()
        END AS span,
        CASE
            WHEN m.benchmark_default = 'median price' THEN 'median_price'
            WHEN m.benchmark_default = 'lowest price' THEN 'lowest_price'
            WHEN regexp_matches(m.benchmark_default, '^[0-9]') THEN 'target'
            ELSE regexp_extract(m.benchmark_default, '^[a-z_]+')
        END AS default_kind,
        TRY_CAST(regexp_extract(m.benchmark_default, '^[0-9.]+') AS DOUBLE) AS target_value
    FROM measured AS r
    JOIN metrics AS m USING (metric_id)
    WHERE r.value IS NOT NULL AND r.withheld IS NULL
),
against AS (
    SELECT o.*, p.lower_quartile AS peer_lower_quartile, k.benchmark_kind, k.benchmark_value
    FROM own AS o
    JOIN spreads AS b ON b.metric_id = o.metric_id AND b.basis = 'national'
    LEFT JOIN spreads AS p ON p.metric_id = o.metric_id AND p.provider_code = o.provider_code AND p.basis = 'sector'
    CROSS JOIN LATERAL (
        VALUES
            ('national_median', b.median),
            ('peer_median', p.median),
            ('peer_lower_quartile', CASE WHEN o.default_kind = 'peer_lower_quartile' THEN p.lower_quartile END),
            ('peer_upper_quartile', CASE WHEN o.default_kind = 'peer_upper_quartile' THEN p.upper_quartile END),
            ('target', o.target_value),
            -- These metrics are opportunities already: against that price nothing would be left to save.
            ('median_price', CASE WHEN o.default_kind = 'median_price' THEN 0.0 END),
            ('lowest_price', CASE WHEN o.default_kind = 'lowest_price' THEN 0.0 END)
    ) AS k(benchmark_kind, benchmark_value)
    WHERE k.benchmark_value IS NOT NULL
)
SELECT
    metric_id,
    provider_code,
    benchmark_kind,
    benchmark_value,
    CASE WHEN benchmark_value <> 0 THEN (value - benchmark_value) / abs(benchmark_value) END AS variance,
    CASE
        WHEN value = benchmark_value THEN NULL
        WHEN polarity = 'higher_better' THEN value > benchmark_value
        WHEN polarity = 'lower_better' THEN value < benchmark_value
        WHEN polarity = 'target_100' AND abs(value - 100) <> abs(benchmark_value - 100)
        THEN abs(value - 100) < abs(benchmark_value - 100)
    END AS is_better,
    CASE
        WHEN benchmark_kind IN ('median_price', 'lowest_price') THEN value
        WHEN polarity = 'lower_better' AND gbp_per_unit IS NOT NULL
        THEN CASE WHEN value > benchmark_value THEN (value - benchmark_value) * gbp_per_unit ELSE 0 END
    END AS opportunity_gbp,
    CASE
        WHEN polarity = 'lower_better' AND gbp_per_unit IS NOT NULL AND peer_lower_quartile IS NOT NULL
        THEN CASE WHEN value > peer_lower_quartile THEN (value - peer_lower_quartile) * gbp_per_unit ELSE 0 END
    END AS stretch_opportunity_gbp,
    opportunity_root AND benchmark_kind = default_kind AND opportunity_gbp IS NOT NULL AS adds_to_total,
    CASE WHEN adds_to_total THEN span END AS adds_over
FROM against
