-- ER01-ER11 of each trust, over its wards. Not fed: ER12 (the number of inpatient wards outside the roster is not returned).
WITH rows AS (
    SELECT
        *,
        reg_day_actual_h + reg_night_actual_h AS reg_h,
        unreg_day_actual_h + unreg_night_actual_h AS unreg_h,
        reg_day_actual_h + reg_night_actual_h + unreg_day_actual_h + unreg_night_actual_h AS actual_h,
        reg_day_planned_h + reg_night_planned_h AS reg_planned_h,
        unreg_day_planned_h + unreg_night_planned_h AS unreg_planned_h,
        bank_hours + agency_hours AS temporary_h,
        -- Never net: hours one ward is owed do not make up for hours another ward's staff owe.
        CASE WHEN net_hours_owed > 0 THEN net_hours_owed WHEN net_hours_owed <= 0 THEN 0 END AS owed_h,
        unavailability_pct - funded_headroom_pct AS over_headroom_pp
    FROM records
),
sums AS (
    SELECT
        provider_code,
        total(given(actual_h, patient_days)) AS actual_h,
        total(given(reg_h, patient_days)) AS reg_h,
        total(patient_days) AS patient_days,
        total(given(reg_h, reg_planned_h)) AS reg_filled_h,
        total(given(reg_planned_h, reg_h)) AS reg_planned_h,
        total(given(unreg_h, unreg_planned_h)) AS unreg_filled_h,
        total(given(unreg_planned_h, unreg_h)) AS unreg_planned_h,
        median(CAST(approval_lead_days AS DOUBLE)) AS approval_lead_days,
        total(given(owed_h, contracted_hours)) AS owed_h,
        total(given(contracted_hours, owed_h)) AS contracted_h,
        CAST(count(*) FILTER (WHERE annual_leave_pct BETWEEN 11 AND 17) AS DOUBLE) AS rosters_in_tolerance,
        CAST(count(annual_leave_pct) AS DOUBLE) AS rosters,
        total(given(additional_duties, template_duties)) AS additional_duties,
        total(given(template_duties, additional_duties)) AS template_duties,
        total(given(temporary_h, actual_h)) AS temporary_h,
        total(given(actual_h, temporary_h)) AS worked_h,
        -- Percentages of wards weigh by contracted hours.
        total(over_headroom_pp * contracted_hours) AS over_headroom_pp_h,
        total(given(contracted_hours, over_headroom_pp)) AS headroom_h,
        total(given(ward_pay_gbp, patient_days)) AS ward_pay_gbp,
        total(given(patient_days, ward_pay_gbp)) AS paid_patient_days,
        total(given(ward_pay_gbp, actual_h)) AS hour_pay_gbp,
        total(given(actual_h, ward_pay_gbp)) AS paid_h
    FROM rows
    GROUP BY provider_code
)
SELECT
    m.metric_id,
    s.provider_code,
    m.numerator,
    m.denominator,
    metric_value(m.numerator, m.denominator, m.times) AS value,
    m.gbp_per_unit
FROM sums AS s
CROSS JOIN LATERAL (
    VALUES
        ('ER01', s.actual_h, s.patient_days, 1, NULL),
        ('ER02', s.reg_h, s.patient_days, 1, NULL),
        ('ER03', s.reg_filled_h, s.reg_planned_h, 100, NULL),
        ('ER04', s.unreg_filled_h, s.unreg_planned_h, 100, NULL),
        ('ER05', s.approval_lead_days, NULL, NULL, NULL),
        -- (x - b) / 100 x contracted hours x hourly cost, which is ward pay / hours worked.
        ('ER06', s.owed_h, s.contracted_h, 100, s.contracted_h / 100 * metric_value(s.hour_pay_gbp, s.paid_h, 1)),
        ('ER07', s.rosters_in_tolerance, s.rosters, 100, NULL),
        ('ER08', s.additional_duties, s.template_duties, 100, NULL),
        ('ER09', s.temporary_h, s.worked_h, 100, NULL),
        ('ER10', s.over_headroom_pp_h, s.headroom_h, 1, NULL),
        ('ER11', s.ward_pay_gbp, s.paid_patient_days, 1, s.paid_patient_days)
) AS m(metric_id, numerator, denominator, times, gbp_per_unit)
