-- FN-R1: income to date does not fall inside a financial year. FN-R2: agency spend to date is that of the workforce returns.
WITH since_april AS (
    SELECT
        CASE
            WHEN CAST(target_period()[6:7] AS INTEGER) > 3 THEN target_period()[1:4] || '-04'
            ELSE CAST(CAST(target_period()[1:4] AS INTEGER) - 1 AS VARCHAR) || '-04'
        END AS april
),
before AS (
    SELECT h.provider_code, h.income_ytd_gbp
    FROM history AS h
    CROSS JOIN since_april AS s
    WHERE h.period = period_before(target_period()) AND h.period >= s.april
),
-- Only where every month since April was returned: a gap would read as less agency pay.
agency AS (
    SELECT w.provider_code, total(w.agency_pay_gbp) AS agency_pay_gbp, count(DISTINCT w.period) AS months
    FROM workforce_history AS w
    CROSS JOIN since_april AS s
    WHERE w.period BETWEEN s.april AND target_period()
    GROUP BY w.provider_code
    HAVING
        count(DISTINCT w.period) = datediff('month', CAST(min(s.april) || '-01' AS DATE), period_start(target_period())) + 1
        AND bool_and(w.agency_pay_gbp IS NOT NULL)
)
SELECT
    'FN-R1' AS rule_id,
    n.provider_code,
    n.submission_id,
    n.sheet,
    n.line,
    'income_ytd_gbp' AS column_name,
    CAST(n.income_ytd_gbp AS VARCHAR) AS raw_value,
    format(
        'Income to date of {} is less than the {} of last month. Expected it not to fall inside a financial year. '
        || 'Correct income_ytd_gbp, or tell us of the correction to last month.',
        say(n.income_ytd_gbp, 0), say(b.income_ytd_gbp, 0)
    ) AS message
FROM records AS n
JOIN before AS b USING (provider_code)
ANTI JOIN breaks USING (provider_code)
WHERE n.income_ytd_gbp < b.income_ytd_gbp
UNION ALL
SELECT
    'FN-R2',
    n.provider_code,
    n.submission_id,
    n.sheet,
    n.line,
    'agency_spend_ytd_gbp',
    CAST(n.agency_spend_ytd_gbp AS VARCHAR),
    format(
        'Agency spend to date of {} disagrees with the {} of agency pay in the workforce returns since April ({} months). '
        || 'Expected the two within 2 percent. Correct agency_spend_ytd_gbp, or the workforce returns.',
        say(n.agency_spend_ytd_gbp, 0), say(a.agency_pay_gbp, 0), a.months
    )
FROM records AS n
JOIN agency AS a USING (provider_code)
WHERE abs(n.agency_spend_ytd_gbp - a.agency_pay_gbp) > 0.02 * greatest(n.agency_spend_ytd_gbp, a.agency_pay_gbp)
