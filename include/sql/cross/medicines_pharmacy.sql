-- MP-R2: inpatient wards are those that were open on the rosters of the same month.
WITH rostered AS (
    SELECT provider_code, count(DISTINCT ward_id) AS wards FROM e_rostering_records WHERE patient_days > 0 GROUP BY provider_code
)
SELECT
    'MP-R2' AS rule_id,
    n.provider_code,
    n.submission_id,
    n.sheet,
    n.line,
    'inpatient_wards' AS column_name,
    CAST(n.inpatient_wards AS VARCHAR) AS raw_value,
    format(
        '{} inpatient wards disagree with the {} wards that had patients on the rosters of this month. Expected the same number. '
        || 'Correct inpatient_wards, or the ward return.',
        n.inpatient_wards, w.wards
    ) AS message
FROM records AS n
JOIN rostered AS w USING (provider_code)
WHERE n.inpatient_wards <> w.wards
