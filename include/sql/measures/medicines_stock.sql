-- MS01 of each trust that issued methotrexate tablets: those of 10 mg among all. A month in which more came back than was issued of
-- either says nothing. Quantities of different products are never added otherwise: their units differ. Where the whole file is there
-- (it has no part), extracts of it are left out.
WITH received AS (
    SELECT submission_id, part FROM submissions
    WHERE is_current AND collection = target_collection() AND period = target_period()
),
counted AS (
    SELECT * FROM records
    WHERE submission_id IN (SELECT submission_id FROM received WHERE part = '' OR NOT EXISTS (SELECT 1 FROM received WHERE part = ''))
),
tablets AS (
    SELECT
        provider_code,
        count(*) FILTER (WHERE vmp_snomed_code IN ('326875008', '326874007')) AS rows_of_either,
        coalesce(total(CASE WHEN vmp_snomed_code = '326875008' THEN total_quantity END), 0) AS of_10_mg,
        coalesce(total(CASE WHEN vmp_snomed_code = '326874007' THEN total_quantity END), 0) AS of_2_5_mg
    FROM counted
    WHERE body = 'provider'
    GROUP BY provider_code
),
told AS (
    SELECT
        provider_code,
        rows_of_either = 0 AS none_issued,
        rows_of_either > 0 AND (of_10_mg < 0 OR of_2_5_mg < 0) AS more_came_back,
        of_10_mg,
        of_10_mg + of_2_5_mg AS of_both
    FROM tablets
)
SELECT
    'MS01' AS metric_id,
    provider_code,
    CASE WHEN NOT none_issued AND NOT more_came_back THEN of_10_mg END AS numerator,
    CASE WHEN NOT none_issued AND NOT more_came_back THEN of_both END AS denominator,
    CASE WHEN NOT none_issued AND NOT more_came_back THEN metric_value(of_10_mg, of_both, 100) END AS value,
    CASE
        WHEN more_came_back THEN 'NEGATIVE_COUNT'
        WHEN none_issued AND NOT EXISTS (SELECT 1 FROM parts_missing WHERE part = 'methotrexate') THEN 'NO_DENOMINATOR'
    END AS withheld
FROM told
