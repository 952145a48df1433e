-- Collections and periods with submissions that wait for validation, and when the newest of them was received.
SELECT collection, period, max(received_at) AS received_at
FROM intake.waiting
WHERE period IS NOT NULL AND sender IS NOT NULL AND collection = ANY(%(collections)s)
GROUP BY collection, period
ORDER BY collection, period
