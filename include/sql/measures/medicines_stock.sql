-- MS01 of each trust that issued methotrexate tablets: those of 10 mg among all. A month in which more came back than was issued of
-- either says nothing. Quantities of different products are never added otherwise: their units differ.
WITH tablets AS (
    SELECT
        provider_code,
        coalesce(total(CASE WHEN vmp_snomed_code = '326875008' THEN total_quantity END), 0) AS of_10_mg,
        coalesce(total(CASE WHEN vmp_snomed_code = '326874007' THEN total_quantity END), 0) AS of_2_5_mg
    FROM records
    WHERE body = 'provider' AND vmp_snomed_code IN ('326875008', '326874007')
    GROUP BY provider_code
),
told AS (
    SELECT provider_code, of_10_mg, of_10_mg + of_2_5_mg AS of_both FROM tablets WHERE of_10_mg >= 0 AND of_2_5_mg >= 0
)
SELECT
    'MS01' AS metric_id,
    provider_code,
    of_10_mg AS numerator,
    of_both AS denominator,
    metric_value(of_10_mg, of_both, 100) AS value
FROM told
