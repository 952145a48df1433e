-- The returns of the collections that a person looks after.
SELECT collection, period, sender, part, state, due, closes, coalesce(is_sample, false) AS is_sample
FROM intake.board
WHERE collection = ANY(%(collections)s)
ORDER BY collection, period DESC, sender, part
