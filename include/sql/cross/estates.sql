-- ES-R7: unit costs lie in the sector's usual range. ES-R8: area and unit cost do not jump from year to year.
-- Sites are summed by trust, as in the measures.
WITH trusts AS (
    SELECT
        provider_code,
        period,
        min(submission_id) AS submission_id,
        min(sheet) AS sheet,
        total(gia_m2) AS gia_m2,
        metric_value(
            total(given(hard_fm_gbp + soft_fm_gbp, gia_m2)), total(given(gia_m2, hard_fm_gbp + soft_fm_gbp)), 1
        ) AS running_cost,
        metric_value(
            total(given(hard_fm_gbp + soft_fm_gbp + finance_gbp, occupied_m2)),
            total(given(occupied_m2, hard_fm_gbp + soft_fm_gbp + finance_gbp)),
            1
        ) AS estates_cost,
        metric_value(total(given(energy_gbp, occupied_m2)), total(given(occupied_m2, energy_gbp)), 1) AS energy_cost,
        metric_value(total(given(cleaning_gbp, occupied_m2)), total(given(occupied_m2, cleaning_gbp)), 1)
            AS cleaning_cost,
        metric_value(total(given(food_gbp, meal_days)), total(given(meal_days, food_gbp)), 1) AS meal_cost,
        metric_value(total(given(backlog_total_gbp, gia_m2)), total(given(gia_m2, backlog_total_gbp)), 1)
            AS backlog_cost
    FROM history
    WHERE
        level = 'site' AND body = 'provider' AND period IN (target_period(), period_before(target_period()))
    GROUP BY provider_code, period
),
now AS (
    SELECT t.*, p.name, p.sector
    FROM trusts AS t
    JOIN providers AS p USING (provider_code)
    WHERE t.period = target_period()
),
-- p5 and p95 of 74 community, mental health and care trusts, ERIC 2015/16, so only for their sectors.
costs AS (
    SELECT now.*, c.*
    FROM now
    CROSS JOIN LATERAL (
        VALUES
            ('hard_fm_gbp', 'Hard and soft FM cost', 'a gross square metre', running_cost, 51, 193),
            ('finance_gbp', 'All estates cost', 'an occupied square metre', estates_cost, 145, 432),
            ('energy_gbp', 'Energy cost', 'an occupied square metre', energy_cost, 9, 22),
            ('cleaning_gbp', 'Cleaning cost', 'an occupied square metre', cleaning_cost, 21, 59),
            ('food_gbp', 'Food cost', 'a meal day', meal_cost, 5.7, 18.3),
            ('backlog_total_gbp', 'Backlog', 'a gross square metre', backlog_cost, 5, 230)
    ) AS c(column_name, label, per, cost, low, high)
    WHERE sector IN ('community', 'mental_health', 'combined')
),
years AS (
    SELECT n.*, b.gia_m2 AS gia_before, b.running_cost AS cost_before
    FROM now AS n
    JOIN trusts AS b ON b.provider_code = n.provider_code AND b.period = period_before(target_period())
    ANTI JOIN breaks AS k ON k.provider_code = n.provider_code
)
SELECT
    'ES-R7' AS rule_id,
    provider_code,
    submission_id,
    sheet,
    CAST(NULL AS BIGINT) AS line,
    column_name,
    CAST(NULL AS VARCHAR) AS raw_value,
    format(
        '{} ({}): {} is £{} {}. Expected £{} to £{}, the middle nine tenths of like trusts in 2015/16. '
        || 'Check the cost and the area or days, or confirm with a comment.',
        name, provider_code, label, say(cost, 2), per, say(low, 2), say(high, 2)
    ) AS message
FROM costs
WHERE cost < low OR cost > high
UNION ALL
SELECT
    'ES-R8',
    provider_code,
    submission_id,
    sheet,
    NULL,
    'gia_m2',
    NULL,
    format(
        '{} ({}): gross internal area went from {} m2 last year to {} m2. Expected a change of at most 10 percent. '
        || 'Correct the areas, or send a comment that is published with the data.',
        name, provider_code, say(gia_before, 0), say(gia_m2, 0)
    )
FROM years
WHERE abs(gia_m2 - gia_before) > 0.10 * gia_before
UNION ALL
SELECT
    'ES-R8',
    provider_code,
    submission_id,
    sheet,
    NULL,
    'hard_fm_gbp',
    NULL,
    format(
        '{} ({}): hard and soft FM cost went from £{} a square metre last year to £{}. '
        || 'Expected a change of at most 25 percent. '
        || 'Correct the costs or areas, or send a comment that is published with the data.',
        name, provider_code, say(cost_before, 2), say(running_cost, 2)
    )
FROM years
WHERE abs(running_cost - cost_before) > 0.25 * cost_before
