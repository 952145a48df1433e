-- PP01-PP06 of each trust, over the twelve months ending in the period (PP05: the period alone). Needs price_position.
-- A trust that nothing could be compared for has no PP01-PP04.
WITH compared AS (
    SELECT
        provider_code,
        total_fine((unit_price_gbp - median_price_gbp) * base_units) AS variance_gbp,
        total_fine(opportunity_to_median_gbp) AS to_median_gbp,
        total_fine(opportunity_to_lowest_gbp) AS to_lowest_gbp,
        total(CASE WHEN abs(variance_to_median) <= 0.05 THEN spend_gbp ELSE 0 END) AS near_median_gbp,
        total(spend_gbp) AS matched_gbp,
        total(spend_now_gbp) AS matched_now_gbp
    FROM price_position
    GROUP BY provider_code
),
spent AS (
    SELECT
        provider_code,
        total(CASE WHEN period = target_period() THEN line_value_gbp END) AS spend_now_gbp,
        total(CASE WHEN national_contract THEN line_value_gbp WHEN NOT national_contract THEN 0 END) AS national_gbp,
        total(given(line_value_gbp, national_contract)) AS contract_known_gbp
    FROM price_lines
    GROUP BY provider_code
)
SELECT
    m.metric_id,
    s.provider_code,
    m.numerator,
    m.denominator,
    metric_value(m.numerator, m.denominator, m.times) AS value,
    CASE WHEN m.metric_id IN ('PP01', 'PP02', 'PP03', 'PP04') AND c.provider_code IS NULL THEN 'NOTHING_TO_COMPARE' END AS withheld
FROM spent AS s
LEFT JOIN compared AS c USING (provider_code)
CROSS JOIN LATERAL (
    VALUES
        ('PP01', c.variance_gbp, c.matched_gbp, 100),
        ('PP02', c.to_median_gbp, NULL, NULL),
        ('PP03', c.to_lowest_gbp, NULL, NULL),
        ('PP04', c.near_median_gbp, c.matched_gbp, 100),
        ('PP05', given(coalesce(c.matched_now_gbp, 0), s.spend_now_gbp), s.spend_now_gbp, 100),
        ('PP06', s.national_gbp, s.contract_known_gbp, 100)
) AS m(metric_id, numerator, denominator, times)
