-- ES01-ES11 of each trust, its sites summed. Not fed: ES12 (needs income).
WITH rows AS (
    SELECT
        *,
        hard_fm_gbp + soft_fm_gbp AS running_gbp,
        hard_fm_gbp + soft_fm_gbp + finance_gbp AS estates_gbp,
        clinical_m2 + non_clinical_m2 AS used_m2,
        backlog_high_gbp + backlog_significant_gbp AS backlog_risk_gbp
    FROM records
    WHERE level = 'site' AND body = 'provider'
),
sums AS (
    SELECT
        provider_code,
        total(given(running_gbp, gia_m2)) AS running_gbp,
        total(given(gia_m2, running_gbp)) AS running_m2,
        total(given(estates_gbp, occupied_m2)) AS estates_gbp,
        total(given(occupied_m2, estates_gbp)) AS estates_m2,
        total(given(non_clinical_m2, used_m2)) AS non_clinical_m2,
        total(used_m2) AS used_m2,
        total(given(empty_m2, gia_m2)) AS empty_m2,
        total(given(gia_m2, empty_m2)) AS empty_of_m2,
        total(given(under_used_m2, occupied_m2)) AS under_used_m2,
        total(given(occupied_m2, under_used_m2)) AS under_used_of_m2,
        total(given(backlog_total_gbp, gia_m2)) AS backlog_gbp,
        total(given(gia_m2, backlog_total_gbp)) AS backlog_m2,
        total(given(backlog_risk_gbp, backlog_total_gbp)) AS backlog_risk_gbp,
        total(given(backlog_total_gbp, backlog_risk_gbp)) AS backlog_banded_gbp,
        total(given(energy_gbp, occupied_m2)) AS energy_gbp,
        total(given(occupied_m2, energy_gbp)) AS energy_m2,
        total(given(cleaning_gbp, occupied_m2)) AS cleaning_gbp,
        total(given(occupied_m2, cleaning_gbp)) AS cleaning_m2,
        total(given(food_gbp, meal_days)) AS food_gbp,
        total(given(meal_days, food_gbp)) AS meal_days,
        total(occupied_m2) AS occupied_m2
    FROM rows
    GROUP BY provider_code
),
-- Staff of the year, only where all twelve months were returned whole.
staff AS (
    SELECT provider_code, total(fte) / 12 AS mean_fte
    FROM workforce_history
    WHERE period BETWEEN month_of(period_start(target_period())) AND month_of(period_end(target_period()))
        AND provider_code NOT IN (
            SELECT r.provider_code
            FROM rejected_rows AS r
            WHERE
                r.collection = 'workforce'
                AND r.period BETWEEN month_of(period_start(target_period())) AND month_of(period_end(target_period()))
        )
    GROUP BY provider_code
    HAVING count(DISTINCT period) = 12
)
SELECT
    m.metric_id,
    s.provider_code,
    m.numerator,
    m.denominator,
    metric_value(m.numerator, m.denominator, m.times) AS value,
    m.gbp_per_unit,
    CASE WHEN m.metric_id = 'ES11' AND s.occupied_m2 IS NOT NULL AND staff.mean_fte IS NULL THEN 'OTHER_RETURN_MISSING' END AS withheld
FROM sums AS s
LEFT JOIN staff USING (provider_code)
CROSS JOIN LATERAL (
    VALUES
        ('ES01', s.running_gbp, s.running_m2, 1, s.running_m2),
        ('ES02', s.estates_gbp, s.estates_m2, 1, s.estates_m2),
        ('ES03', s.non_clinical_m2, s.used_m2, 100, NULL),
        -- (x - b) / 100 x gross area x what an occupied square metre costs here (ES02).
        ('ES04', s.empty_m2, s.empty_of_m2, 100, s.empty_of_m2 / 100 * metric_value(s.estates_gbp, s.estates_m2, 1)),
        ('ES05', s.under_used_m2, s.under_used_of_m2, 100, NULL),
        ('ES06', s.backlog_gbp, s.backlog_m2, 1, NULL),
        ('ES07', s.backlog_risk_gbp, s.backlog_banded_gbp, 100, NULL),
        ('ES08', s.energy_gbp, s.energy_m2, 1, s.energy_m2),
        ('ES09', s.cleaning_gbp, s.cleaning_m2, 1, s.cleaning_m2),
        ('ES10', s.food_gbp, s.meal_days, 1, NULL),
        ('ES11', given(s.occupied_m2, staff.mean_fte), staff.mean_fte, 1, NULL)
) AS m(metric_id, numerator, denominator, times, gbp_per_unit)
