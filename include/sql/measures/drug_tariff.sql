-- National price lists hold nothing about a trust: no measures. benchmarks/drug_tariff.sql makes the list.
SELECT NULL AS metric_id, NULL AS provider_code, NULL AS numerator, NULL AS denominator, NULL AS value
WHERE FALSE
