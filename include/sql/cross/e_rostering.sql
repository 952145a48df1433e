-- ER-R6: a ward's patient days do not jump. STR05: no ward vanishes. ER-R7: rostered staff are on the workforce return.
WITH before AS (
    SELECT * FROM history WHERE period = period_before(target_period())
),
returned AS (
    SELECT provider_code, min(submission_id) AS submission_id FROM records GROUP BY provider_code
),
rostered AS (
    SELECT
        provider_code,
        -- Wards that do not say who was temporary are left out: all of their hours would look substantive.
        total(
            reg_day_actual_h + reg_night_actual_h + unreg_day_actual_h + unreg_night_actual_h
            - bank_hours - agency_hours
        ) / 162.9 AS roster_fte
    FROM records
    GROUP BY provider_code
),
gone AS (
    SELECT b.provider_code, b.ward_id, b.patient_days, count(*) OVER (PARTITION BY b.provider_code) AS wards
    FROM before AS b
    ANTI JOIN (SELECT provider_code, ward_id FROM records) AS n USING (provider_code, ward_id)
    ANTI JOIN breaks USING (provider_code)
    WHERE b.patient_days > 0
),
employed AS (
    SELECT provider_code, total(fte) AS nursing_fte
    FROM workforce_records
    WHERE staff_group IN ('nurses_health_visitors', 'midwives', 'support_to_clinical')
    GROUP BY provider_code
)
SELECT
    'ER-R6' AS rule_id,
    n.provider_code,
    n.submission_id,
    n.sheet,
    n.line,
    'patient_days' AS column_name,
    CAST(n.patient_days AS VARCHAR) AS raw_value,
    format(
        'Ward {} has {} patient days, against {} last month. Expected a change of at most 40 percent. '
        || 'Correct patient_days, or tell us that the ward opened, closed or changed beds.',
        n.ward_id, n.patient_days, b.patient_days
    ) AS message
FROM records AS n
JOIN before AS b USING (provider_code, ward_id)
ANTI JOIN breaks USING (provider_code)
WHERE b.patient_days > 0 AND n.patient_days > 0 AND abs(n.patient_days - b.patient_days) > 0.4 * b.patient_days
UNION ALL
SELECT
    'STR05',
    r.provider_code,
    r.submission_id,
    NULL,
    NULL,
    'ward_id',
    b.ward_id,
    format(
        'Ward {} was in last month''s return with {} patient days and is not in this one. Expected every open ward. '
        || 'Add the ward, or tell us that it closed.',
        b.ward_id, b.patient_days
    )
FROM gone AS b
JOIN returned AS r USING (provider_code)
JOIN submissions AS s USING (submission_id)
-- A row that was rejected is listed already, and is not here to say which ward it was about.
WHERE b.wards > coalesce(s.rows_rejected, 0)
UNION ALL
SELECT
    'ER-R7',
    r.provider_code,
    r.submission_id,
    NULL,
    NULL,
    'reg_day_actual_h',
    NULL,
    format(
        'Substantive hours on the roster make {} FTE, but the workforce return has {} FTE of nursing and support staff. '
        || 'Expected at most 110 percent of that, {} FTE (162.9 hours are one FTE a month). '
        || 'Check the actual, bank and agency hours here, and fte in the workforce return.',
        say(o.roster_fte, 1), say(e.nursing_fte, 1), say(1.1 * e.nursing_fte, 1)
    )
FROM rostered AS o
JOIN employed AS e USING (provider_code)
JOIN returned AS r USING (provider_code)
WHERE o.roster_fte > 1.1 * e.nursing_fte
