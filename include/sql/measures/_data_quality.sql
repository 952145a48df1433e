-- DQ01-DQ04 of every trust that is expected to return this collection, from the log of submissions.
-- Nothing received is 0% on time (it was due), but says nothing about acceptance or completeness.
WITH due AS (
    SELECT DISTINCT e.sender AS provider_code, e.period
    FROM expected AS e
    JOIN providers AS p ON p.provider_code = e.sender
    WHERE
        e.collection = target_collection()
        AND e.period <= target_period()
        AND e.period >= CASE WHEN is_year(target_period()) THEN target_period() ELSE months_before(target_period(), 11) END
),
received AS (
    SELECT
        provider_code,
        period,
        bool_or(coalesce(on_time, FALSE)) AS on_time,
        max(version) AS versions,
        max(CASE WHEN version = 1 THEN CAST(state IN ('accepted', 'accepted_with_warnings', 'superseded') AS INTEGER) END)
            AS first_accepted,
        total(CASE WHEN is_current THEN cells_valid END) AS cells_valid,
        total(CASE WHEN is_current THEN cells_expected END) AS cells_expected
    FROM submissions
    WHERE collection = target_collection() AND provider_code IS NOT NULL
    GROUP BY provider_code, period
),
year AS (
    SELECT
        provider_code,
        CAST(count(*) AS DOUBLE) AS due,
        CAST(count(*) FILTER (WHERE versions > 1) AS DOUBLE) AS resubmitted
    FROM due
    LEFT JOIN received USING (provider_code, period)
    GROUP BY provider_code
)
SELECT
    m.metric_id,
    d.provider_code,
    m.numerator,
    m.denominator,
    metric_value(m.numerator, m.denominator, 100) AS value,
    -- Twelve months, or the year, of periods that were due.
    CASE WHEN m.metric_id = 'DQ04' THEN CAST(CASE WHEN is_year(target_period()) THEN 12 ELSE y.due END AS BIGINT) END AS months_covered
FROM due AS d
JOIN year AS y USING (provider_code)
LEFT JOIN received AS r USING (provider_code, period)
CROSS JOIN LATERAL (
    VALUES
        ('DQ01', CASE WHEN r.on_time THEN 1.0 ELSE 0.0 END, 1.0),
        ('DQ02', CAST(r.first_accepted AS DOUBLE), CASE WHEN r.first_accepted IS NOT NULL THEN 1.0 END),
        ('DQ03', r.cells_valid, r.cells_expected),
        ('DQ04', y.resubmitted, y.due)
) AS m(metric_id, numerator, denominator)
WHERE d.period = target_period()
