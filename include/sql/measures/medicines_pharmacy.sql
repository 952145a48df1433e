-- MP01-MP05 of each trust. Income is that of the month: the finance return's year to date less last month's, in April as it stands;
-- without both returns there is none.
WITH income AS (
    SELECT
        now.provider_code,
        CASE
            WHEN target_period()[6:7] = '04' THEN now.income_ytd_gbp
            ELSE now.income_ytd_gbp - before.income_ytd_gbp
        END AS income_gbp
    FROM finance_oversight_records AS now
    LEFT JOIN finance_oversight_history AS before
        ON before.provider_code = now.provider_code AND before.period = period_before(target_period())
),
figures AS (
    SELECT
        r.*,
        i.income_gbp,
        r.issues_value_gbp / (1 + datediff('day', period_start(target_period()), period_end(target_period()))) AS issues_a_day_gbp
    FROM records AS r
    LEFT JOIN income AS i USING (provider_code)
    WHERE r.body = 'provider'
)
SELECT
    m.metric_id,
    f.provider_code,
    given(m.numerator, m.denominator) AS numerator,
    given(m.denominator, m.numerator) AS denominator,
    metric_value(m.numerator, m.denominator, m.times) AS value,
    CASE WHEN m.metric_id = 'MP02' AND m.numerator IS NOT NULL AND m.denominator IS NULL THEN 'OTHER_RETURN_MISSING' END AS withheld
FROM figures AS f
CROSS JOIN LATERAL (
    VALUES
        ('MP01', f.pharmacy_hours_clinical, f.pharmacy_hours_total, 100),
        ('MP02', f.medicines_spend_gbp, f.income_gbp, 100),
        ('MP03', f.stock_value_gbp, f.issues_a_day_gbp, 1),
        ('MP04', CAST(f.wards_epma AS DOUBLE), CAST(f.inpatient_wards AS DOUBLE), 100),
        ('MP05', CAST(f.reconciled_24h AS DOUBLE), CAST(f.admissions_audited AS DOUBLE), 100)
) AS m(metric_id, numerator, denominator, times)
