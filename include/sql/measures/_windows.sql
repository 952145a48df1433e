-- How much of its window each provider's figures rest on: rows sent and used, months covered and expected. Needs returns and
-- provider_rows. Makes windows (a row a provider and length of window), spoken_for and rejected_rows.

-- Whom each submission speaks for.
CREATE TEMP TABLE spoken_for AS
SELECT submission_id, provider_code FROM submissions WHERE provider_code IS NOT NULL
UNION
SELECT submission_id, provider_code FROM provider_rows WHERE provider_code IS NOT NULL;

-- Returns of which rows were left out, of this collection and of those that it uses.
CREATE TEMP TABLE rejected_rows AS
SELECT s.collection, s.period, r.provider_code
FROM provider_rows AS r
JOIN submissions AS s USING (submission_id)
WHERE s.is_current AND r.provider_code IS NOT NULL
GROUP BY s.collection, s.period, r.provider_code
HAVING sum(r.rows_used) < sum(r.rows_sent);

CREATE TEMP TABLE windows AS
WITH lengths AS (
    SELECT DISTINCT window_months AS months FROM metrics
    UNION
    SELECT 1
),
counting AS (
    SELECT submission_id, provider_code, period FROM submissions WHERE is_current AND collection = target_collection()
),
sent AS (
    SELECT
        r.provider_code,
        c.period,
        CAST(sum(r.rows_sent) AS BIGINT) AS rows_sent,
        CAST(sum(r.rows_used) AS BIGINT) AS rows_used
    FROM provider_rows AS r
    JOIN counting AS c USING (submission_id)
    WHERE r.provider_code IS NOT NULL
    GROUP BY r.provider_code, c.period
),
-- A trust's own file speaks for its month, a national file for the providers of which it holds rows that are used.
covered AS (
    SELECT provider_code, period FROM counting WHERE provider_code IS NOT NULL
    UNION
    SELECT provider_code, period FROM sent WHERE rows_used > 0
),
spans AS (
    SELECT
        months,
        CASE WHEN is_year(target_period()) THEN target_period() ELSE months_before(target_period(), months - 1) END AS first_period
    FROM lengths
),
rows_within AS (
    SELECT s.provider_code, w.months, sum(s.rows_sent) AS rows_sent, sum(s.rows_used) AS rows_used
    FROM sent AS s
    JOIN spans AS w ON s.period BETWEEN w.first_period AND target_period()
    GROUP BY s.provider_code, w.months
),
covered_within AS (
    SELECT c.provider_code, w.months, count(*) AS periods
    FROM covered AS c
    JOIN spans AS w ON c.period BETWEEN w.first_period AND target_period()
    GROUP BY c.provider_code, w.months
)
SELECT
    r.provider_code,
    w.months,
    coalesce(CAST(n.rows_sent AS BIGINT), 0) AS rows_sent,
    coalesce(CAST(n.rows_used AS BIGINT), 0) AS rows_used,
    -- A financial year is one return about twelve months.
    CASE WHEN is_year(target_period()) THEN 12 ELSE 1 END * coalesce(c.periods, 0) AS months_covered,
    CAST(CASE WHEN is_year(target_period()) THEN 12 ELSE w.months END AS BIGINT) AS months_expected
FROM returns AS r
CROSS JOIN spans AS w
LEFT JOIN rows_within AS n ON n.provider_code = r.provider_code AND n.months = w.months
LEFT JOIN covered_within AS c ON c.provider_code = r.provider_code AND c.months = w.months;
