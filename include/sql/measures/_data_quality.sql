-- DQ01-DQ04 of every trust that is expected to return this collection, from the log of submissions: what was sent, and what it was
-- without any decision, so that no decision moves them.
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
log AS (
    SELECT
        provider_code,
        period,
        part,
        version,
        is_sample,
        is_current,
        plain_state IS NULL AS not_kept,
        -- On time is what can be seen to be the return; a file that is none, or another's, was not sent as far as anybody can tell.
        coalesce(on_time, FALSE) AND coalesce(identified, TRUE) AS on_time,
        coalesce(plain_state, state) IN ('accepted', 'accepted_with_warnings', 'superseded') AS is_accepted,
        CASE WHEN plain_state IS NULL THEN cells_valid ELSE plain_cells_valid END AS cells_valid,
        CASE WHEN plain_state IS NULL THEN cells_expected ELSE plain_cells_expected END AS cells_expected
    FROM submissions
    WHERE collection = target_collection() AND provider_code IS NOT NULL
),
-- What counts, or would: the newest version that is accepted, a real one before a sample.
complete AS (
    SELECT provider_code, period, total(cells_valid) AS cells_valid, total(cells_expected) AS cells_expected
    FROM (
        SELECT *, row_number() OVER (PARTITION BY provider_code, period, part ORDER BY not_kept AND is_current DESC, is_sample, version DESC) AS place
        FROM log
        WHERE is_accepted
    )
    WHERE place = 1
    GROUP BY provider_code, period
),
received AS (
    SELECT
        provider_code,
        period,
        bool_or(on_time) AS on_time,
        max(version) AS versions,
        max(CASE WHEN version = 1 THEN CAST(is_accepted AS INTEGER) END) AS first_accepted
    FROM log
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
    CASE WHEN m.denominator IS NULL THEN CASE WHEN r.versions IS NULL THEN 'NOT_REPORTED' ELSE 'HELD' END END AS withheld,
    -- Twelve months, or the year, of periods that were due.
    CASE WHEN m.metric_id = 'DQ04' THEN CAST(CASE WHEN is_year(target_period()) THEN 12 ELSE y.due END AS BIGINT) END AS months_covered
FROM due AS d
JOIN year AS y USING (provider_code)
LEFT JOIN received AS r USING (provider_code, period)
LEFT JOIN complete AS c USING (provider_code, period)
CROSS JOIN LATERAL (
    VALUES
        ('DQ01', CASE WHEN r.on_time THEN 1.0 ELSE 0.0 END, 1.0),
        ('DQ02', CAST(r.first_accepted AS DOUBLE), CASE WHEN r.first_accepted IS NOT NULL THEN 1.0 END),
        ('DQ03', c.cells_valid, c.cells_expected),
        ('DQ04', y.resubmitted, y.due)
) AS m(metric_id, numerator, denominator)
WHERE d.period = target_period()
