-- WF01-WF05, WF07-WF13, WF15, WF16 of each trust. Not fed: WF06 (needs each person's service) and WF14 (staff survey).
WITH rows AS (
    SELECT
        *,
        fte + bank_fte + agency_fte AS deployed_fte,
        substantive_pay_gbp + bank_pay_gbp + agency_pay_gbp AS pay_gbp,
        CASE WHEN staff_group = 'nurses_health_visitors' THEN fte END AS nurse_fte,
        CASE WHEN staff_group = 'support_to_clinical' THEN fte END AS support_fte,
        CASE
            WHEN staff_group IN ('central_functions', 'hotel_property_estates', 'senior_managers', 'managers')
            THEN fte
        END AS infrastructure_fte
    FROM records
),
sums AS (
    SELECT
        provider_code,
        total(fte) AS fte,
        total(headcount) AS headcount,
        total(establishment_fte - fte) AS vacant_fte,
        total(establishment_fte) AS establishment_fte,
        total(fte_days_lost) AS days_lost,
        total(fte_days_available) AS days_available,
        total(substantive_pay_gbp) AS substantive_pay_gbp,
        total(given(agency_pay_gbp, pay_gbp)) AS agency_pay_gbp,
        total(pay_gbp) AS pay_gbp,
        total(given(bank_fte + agency_fte, deployed_fte)) AS temporary_fte,
        total(deployed_fte) AS deployed_fte,
        total(nurse_fte) AS nurse_fte,
        total(nurse_fte) + total(support_fte) AS nursing_fte,
        total(infrastructure_fte) AS infrastructure_fte,
        total(given(appraisals_done, appraisals_due)) AS appraisals_done,
        total(given(appraisals_due, appraisals_done)) AS appraisals_due,
        total(given(training_compliant_hc, training_due_hc)) AS training_compliant,
        total(given(training_due_hc, training_compliant_hc)) AS training_due,
        total(community_contacts) AS contacts,
        total(given(fte, community_contacts)) * working_days(target_period()) AS contact_fte_days,
        total(given(job_plans_signed_off, job_plans_due)) AS job_plans_signed_off,
        total(given(job_plans_due, job_plans_signed_off)) AS job_plans_due
    FROM rows
    GROUP BY provider_code
),
-- Turnover needs all twelve months: a gap would read as fewer leavers.
twelve_months AS (
    SELECT provider_code, total(leavers_hc) AS leavers, total(headcount) / 12 AS mean_headcount
    FROM history
    WHERE period BETWEEN months_before(target_period(), 11) AND target_period()
    GROUP BY provider_code
    HAVING count(DISTINCT period) = 12
)
SELECT
    m.metric_id,
    s.provider_code,
    m.numerator,
    m.denominator,
    metric_value(m.numerator, m.denominator, m.times) AS value,
    m.gbp_per_unit
FROM sums AS s
LEFT JOIN twelve_months AS t USING (provider_code)
CROSS JOIN LATERAL (
    VALUES
        ('WF01', s.fte, NULL, NULL, NULL),
        ('WF02', s.fte, s.headcount, 1, NULL),
        ('WF03', s.vacant_fte, s.establishment_fte, 100, NULL),
        -- (rate - b) / 100 x days available x pay per FTE day, which is pay / days available.
        ('WF04', s.days_lost, s.days_available, 100, s.substantive_pay_gbp / 100),
        ('WF05', t.leavers, t.mean_headcount, 100, NULL),
        ('WF07', s.agency_pay_gbp, s.pay_gbp, 100, s.pay_gbp / 100),
        ('WF08', s.temporary_fte, s.deployed_fte, 100, NULL),
        ('WF09', given(s.nurse_fte, s.nursing_fte), s.nursing_fte, 100, NULL),
        ('WF10', s.substantive_pay_gbp, s.fte, 1, NULL),
        ('WF11', s.infrastructure_fte, s.fte, 100, NULL),
        ('WF12', s.appraisals_done, s.appraisals_due, 100, NULL),
        ('WF13', s.training_compliant, s.training_due, 100, NULL),
        ('WF15', s.contacts, s.contact_fte_days, 1, NULL),
        ('WF16', s.job_plans_signed_off, s.job_plans_due, 100, NULL)
) AS m(metric_id, numerator, denominator, times, gbp_per_unit)
