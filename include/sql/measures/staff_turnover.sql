-- WF01, WF02, WF05 and WF11 of each trust, from the publisher's own totals ('all': a person with two posts counts once).
-- A group or flow in which there is nobody has no row. WF09 is not fed: support staff here are also those of doctors.
WITH totals AS (
    SELECT
        provider_code,
        period,
        total(CASE WHEN flow = 'staff_at_end' AND staff_group = 'all' THEN headcount END) AS headcount,
        total(CASE WHEN flow = 'staff_at_end' AND staff_group = 'all' THEN fte END) AS fte,
        coalesce(total(CASE WHEN flow = 'leavers' AND staff_group = 'all' THEN headcount END), 0) AS leavers,
        coalesce(
            total(
                CASE
                    WHEN flow = 'staff_at_end'
                        AND staff_group IN ('central_functions', 'hotel_property_estates', 'senior_managers', 'managers')
                    THEN fte
                END
            ),
            0
        ) AS infrastructure_fte,
        -- Leavers by group without their total: the total was left out as wrong, so nobody knows how many left.
        count(*) FILTER (WHERE flow = 'leavers' AND staff_group <> 'all') > 0
            AND count(*) FILTER (WHERE flow = 'leavers' AND staff_group = 'all') = 0 AS leavers_unknown
    FROM history
    WHERE body = 'provider' AND period BETWEEN months_before(target_period(), 11) AND target_period()
    GROUP BY provider_code, period
),
-- Turnover needs all twelve months: a gap would read as fewer leavers.
twelve_months AS (
    SELECT
        provider_code,
        count(*) AS months_covered,
        CASE WHEN count(*) = 12 THEN total(leavers) END AS leavers,
        CASE WHEN count(*) = 12 THEN total(headcount) / 12 END AS mean_headcount
    FROM totals
    WHERE headcount IS NOT NULL AND NOT leavers_unknown
    GROUP BY provider_code
)
SELECT
    m.metric_id,
    n.provider_code,
    m.numerator,
    m.denominator,
    metric_value(m.numerator, m.denominator, m.times) AS value,
    CASE WHEN m.metric_id = 'WF05' THEN coalesce(t.months_covered, 0) END AS months_covered
FROM totals AS n
LEFT JOIN twelve_months AS t USING (provider_code)
CROSS JOIN LATERAL (
    VALUES
        ('WF01', n.fte, NULL, NULL),
        ('WF02', n.fte, n.headcount, 1),
        ('WF05', t.leavers, t.mean_headcount, 100),
        ('WF11', given(n.infrastructure_fte, n.fte), n.fte, 100)
) AS m(metric_id, numerator, denominator, times)
WHERE n.period = target_period()
