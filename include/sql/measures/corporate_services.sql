-- CS01-CS10 of each trust. CS02 is cost over what the line through all trusts' accepted returns gives for the trust's income
-- (ln cost on ln income, Huber: include/measures/size_adjusted.py); too few trusts, or all of a size, and there is no line. A trust of
-- which rows were left out has no part in it.
WITH trusts AS (
    SELECT
        provider_code,
        max(trust_income_gbp) AS income_gbp,
        total(net_cost_gbp) AS cost_gbp,
        total(CASE WHEN function = 'finance' THEN net_cost_gbp END) AS finance_gbp,
        total(CASE WHEN function = 'hr' THEN net_cost_gbp END) AS hr_gbp,
        total(CASE WHEN function = 'imt' THEN net_cost_gbp END) AS imt_gbp,
        total(CASE WHEN function = 'procurement' THEN net_cost_gbp END) AS procurement_gbp,
        total(CASE WHEN function = 'governance_risk' THEN net_cost_gbp END) AS governance_risk_gbp,
        total(CASE WHEN function = 'legal' THEN net_cost_gbp END) AS legal_gbp,
        total(CASE WHEN function = 'payroll' AND volume_type = 'payslips' THEN given(net_cost_gbp, volume) END) AS payroll_gbp,
        total(CASE WHEN function = 'payroll' AND volume_type = 'payslips' THEN volume END) AS payslips,
        total(CASE WHEN function = 'finance' AND volume_type = 'invoices' THEN given(accounts_payable_gbp, volume) END)
            AS accounts_payable_gbp,
        total(CASE WHEN function = 'finance' AND volume_type = 'invoices' THEN given(volume, accounts_payable_gbp) END) AS invoices
    FROM records
    WHERE body = 'provider'
    GROUP BY provider_code
),
listed AS (
    SELECT
        list(provider_code ORDER BY provider_code) AS codes,
        list(income_gbp ORDER BY provider_code) AS incomes,
        list(cost_gbp ORDER BY provider_code) AS costs
    FROM trusts
    ANTI JOIN (SELECT provider_code FROM rejected_rows WHERE collection = target_collection() AND period = target_period()) AS x
        USING (provider_code)
    WHERE income_gbp > 0 AND cost_gbp > 0
),
line AS (
    SELECT unnest(codes) AS provider_code, unnest(expected_by_size(incomes, costs)) AS expected_gbp FROM listed
)
SELECT
    m.metric_id,
    t.provider_code,
    given(m.numerator, m.denominator) AS numerator,
    m.denominator,
    metric_value(m.numerator, m.denominator, m.times) AS value,
    m.denominator / m.times AS gbp_per_unit,
    CASE
        WHEN m.metric_id = 'CS02' AND t.income_gbp > 0 AND t.cost_gbp > 0 AND l.expected_gbp IS NULL THEN 'TOO_FEW_FOR_LINE'
        WHEN m.metric_id = 'CS02' AND NOT (t.income_gbp > 0 AND t.cost_gbp > 0) THEN 'NO_DENOMINATOR'
    END AS withheld
FROM trusts AS t
LEFT JOIN line AS l USING (provider_code)
CROSS JOIN LATERAL (
    VALUES
        ('CS01', t.cost_gbp, t.income_gbp, 100),
        ('CS02', t.cost_gbp, l.expected_gbp, 1),
        ('CS03', t.finance_gbp, t.income_gbp, 100),
        ('CS04', t.hr_gbp, t.income_gbp, 100),
        ('CS05', t.imt_gbp, t.income_gbp, 100),
        ('CS06', t.procurement_gbp, t.income_gbp, 100),
        ('CS07', t.governance_risk_gbp, t.income_gbp, 100),
        ('CS08', t.legal_gbp, t.income_gbp, 100),
        ('CS09', t.payroll_gbp, t.payslips, 1),
        ('CS10', t.accounts_payable_gbp, t.invoices, 1)
) AS m(metric_id, numerator, denominator, times)
