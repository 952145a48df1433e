-- How many submissions of these collections wait for validation, and how many seconds the oldest has.
SELECT collection, count(*) AS files, extract(EPOCH FROM now() - min(registered_at))::float8 AS oldest_seconds
FROM intake.waiting
WHERE collection = ANY(%(collections)s)
GROUP BY collection
