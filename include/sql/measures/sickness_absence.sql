-- WF04 of each trust in the published file; bodies that are no provider are recorded but not measured.
WITH sums AS (
    SELECT provider_code, total(fte_days_lost) AS days_lost, total(fte_days_available) AS days_available
    FROM records
    WHERE body = 'provider'
    GROUP BY provider_code
)
SELECT
    'WF04' AS metric_id,
    provider_code,
    days_lost AS numerator,
    days_available AS denominator,
    metric_value(days_lost, days_available, 100) AS value
FROM sums
