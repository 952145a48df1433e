-- OA05 of each sending trust, over the three months ending in the period. Not fed: OA01-OA04, because the reason for a
-- placement (inappropriate: no local bed) is published for regions only, and counts by trust are rounded to 5.
-- Days with cost are not published either, only their share, rounded to 2 decimals. They are known where one whole
-- number of days alone fits the share; else, and where cost is suppressed or written with six digits, they are not. The
-- value is NULL where the period's own month is not known (nothing is carried forward); earlier months add where known.
WITH months AS (
    SELECT
        provider_code,
        period,
        max(CASE WHEN question = 'cost_gbp' THEN value END) AS cost_gbp,
        max(CASE WHEN question = 'days' THEN value END) AS days,
        max(CASE WHEN question = 'share_of_days_with_cost' THEN rounded_value END) AS share
    FROM history
    WHERE
        body = 'provider'
        AND org_type = 'sending_provider'
        AND breakdown = 'none'
        AND period BETWEEN months_before(target_period(), 2) AND target_period()
    GROUP BY provider_code, period
),
fitting AS (
    SELECT
        *,
        ceil(round(days * (share - 0.005), 6)) AS fewest,
        floor(round(least(days, days * (share + 0.005)), 6)) AS most
    FROM months
),
known AS (
    SELECT provider_code, period, cost_gbp, CASE WHEN fewest = most THEN most END AS days_with_cost
    FROM fitting
),
sums AS (
    SELECT
        provider_code,
        total(given(cost_gbp, days_with_cost)) AS cost_gbp,
        total(given(days_with_cost, cost_gbp)) AS days_with_cost,
        count(*) FILTER (WHERE cost_gbp IS NOT NULL AND days_with_cost IS NOT NULL) AS months_covered,
        bool_or(period = target_period() AND cost_gbp IS NOT NULL AND days_with_cost IS NOT NULL) AS is_known
    FROM known
    GROUP BY provider_code
)
SELECT
    'OA05' AS metric_id,
    provider_code,
    CASE WHEN is_known THEN cost_gbp END AS numerator,
    CASE WHEN is_known THEN days_with_cost END AS denominator,
    CASE WHEN is_known THEN metric_value(cost_gbp, days_with_cost, 1) END AS value,
    CASE WHEN is_known THEN days_with_cost END AS gbp_per_unit,
    months_covered,
    CASE WHEN NOT is_known THEN 'NOT_PUBLISHED' END AS withheld
FROM sums
