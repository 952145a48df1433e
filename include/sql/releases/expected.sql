-- The returns that are due in a window.
SELECT collection, period, sender FROM core.expected
WHERE collection = %(collection)s AND period = ANY(%(periods)s) ORDER BY collection, period, sender
