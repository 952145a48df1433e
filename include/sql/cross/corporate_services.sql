-- CS-R3: income is that of the finance return of March, which is the whole year's to date.
WITH finance AS (
    SELECT provider_code, income_ytd_gbp FROM finance_oversight_history WHERE period = month_of(period_end(target_period()))
),
-- One row a trust: income is the same in all of them.
returned AS (
    SELECT provider_code, submission_id, sheet, line, trust_income_gbp
    FROM records
    QUALIFY row_number() OVER (PARTITION BY provider_code ORDER BY line) = 1
)
SELECT
    'CS-R3' AS rule_id,
    n.provider_code,
    n.submission_id,
    n.sheet,
    n.line,
    'trust_income_gbp' AS column_name,
    CAST(n.trust_income_gbp AS VARCHAR) AS raw_value,
    format(
        'Income of {} disagrees with the {} of the finance return of March. Expected the two within 1 percent. '
        || 'Correct trust_income_gbp, or the finance return.',
        say(n.trust_income_gbp, 0), say(f.income_ytd_gbp, 0)
    ) AS message
FROM returned AS n
JOIN finance AS f USING (provider_code)
WHERE abs(n.trust_income_gbp - f.income_ytd_gbp) > 0.01 * f.income_ytd_gbp
