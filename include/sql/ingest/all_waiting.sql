-- Every submission of these collections that waits for validation, in the order in which they came.
SELECT submission_id, collection, period, sender, received_at
FROM intake.waiting
WHERE collection = ANY(%(collections)s)
ORDER BY collection, received_at, registered_at, submission_id
