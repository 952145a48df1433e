-- FN01-FN08 of each trust, year to date as submitted. FN06 is worked out here from the figures, not taken from the trust.
-- A value on a bound has the better score where `included`; the same table stands in include/schemas/finance_oversight.py.
WITH thresholds(version, holds_from, component, direction, score, bound, included) AS (
    VALUES
        ('sof-2016-09', '2016-10', 'capital_service', 1, 1, 2.5, FALSE),
        ('sof-2016-09', '2016-10', 'capital_service', 1, 2, 1.75, TRUE),
        ('sof-2016-09', '2016-10', 'capital_service', 1, 3, 1.25, TRUE),
        ('sof-2016-09', '2016-10', 'liquidity', 1, 1, 0, FALSE),
        ('sof-2016-09', '2016-10', 'liquidity', 1, 2, -7, TRUE),
        ('sof-2016-09', '2016-10', 'liquidity', 1, 3, -14, TRUE),
        ('sof-2016-09', '2016-10', 'margin', 1, 1, 1, FALSE),
        ('sof-2016-09', '2016-10', 'margin', 1, 2, 0, TRUE),
        ('sof-2016-09', '2016-10', 'margin', 1, 3, -1, FALSE),
        ('sof-2016-09', '2016-10', 'distance', 1, 1, 0, TRUE),
        ('sof-2016-09', '2016-10', 'distance', 1, 2, -1, TRUE),
        ('sof-2016-09', '2016-10', 'distance', 1, 3, -2, FALSE),
        ('sof-2016-09', '2016-10', 'agency', -1, 1, 0, TRUE),
        ('sof-2016-09', '2016-10', 'agency', -1, 2, 25, TRUE),
        ('sof-2016-09', '2016-10', 'agency', -1, 3, 50, TRUE)
),
in_force AS (
    SELECT * FROM thresholds
    WHERE holds_from = (SELECT max(holds_from) FROM thresholds WHERE holds_from <= target_period())
),
figures AS (
    SELECT
        *,
        100 * surplus_ytd_gbp / income_ytd_gbp AS margin,
        100 * surplus_ytd_gbp / income_ytd_gbp - 100 * plan_surplus_ytd_gbp / plan_income_ytd_gbp AS distance,
        agency_spend_ytd_gbp - agency_ceiling_ytd_gbp AS over_ceiling_gbp
    FROM records
    WHERE body = 'provider'
),
parts AS (
    SELECT
        f.provider_code,
        p.component,
        -- The best score whose bound is kept, else 4.
        coalesce(
            min(t.score) FILTER (
                WHERE t.direction * round(p.value, 9) > t.direction * t.bound
                    OR (t.included AND round(p.value, 9) = t.bound)
            ),
            4
        ) AS score
    FROM figures AS f
    CROSS JOIN LATERAL (
        VALUES
            ('capital_service', f.capital_service_capacity),
            ('liquidity', f.liquidity_days),
            ('margin', f.margin),
            ('distance', f.distance),
            ('agency', 100 * f.over_ceiling_gbp / f.agency_ceiling_ytd_gbp)
    ) AS p(component, value)
    JOIN in_force AS t USING (component)
    WHERE p.value IS NOT NULL
    GROUP BY f.provider_code, p.component
),
scores AS (
    SELECT
        provider_code,
        CAST(
            CASE WHEN max(score) = 4 THEN greatest(3, round(total(score) / 5)) ELSE round(total(score) / 5) END AS DOUBLE
        ) AS finance_score
    FROM parts
    GROUP BY provider_code
    HAVING count(*) = 5
)
SELECT
    m.metric_id,
    f.provider_code,
    m.numerator,
    m.denominator,
    metric_value(m.numerator, m.denominator, m.times) AS value
FROM figures AS f
LEFT JOIN scores AS s USING (provider_code)
CROSS JOIN LATERAL (
    VALUES
        ('FN01', f.capital_service_capacity, NULL, NULL),
        ('FN02', f.liquidity_days, NULL, NULL),
        ('FN03', f.surplus_ytd_gbp, f.income_ytd_gbp, 100),
        ('FN04', f.distance, NULL, NULL),
        ('FN05', f.over_ceiling_gbp, f.agency_ceiling_ytd_gbp, 100),
        ('FN06', s.finance_score, NULL, NULL),
        ('FN07', CAST(f.sof_segment AS DOUBLE), NULL, NULL),
        ('FN08', f.cip_actual_ytd_gbp, f.cip_plan_ytd_gbp, 100)
) AS m(metric_id, numerator, denominator, times)
