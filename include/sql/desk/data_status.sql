-- The data status of a collection and period, or of all ('').
SELECT * FROM published.data_status
WHERE %(collection)s::text = '' OR (collection = %(collection)s AND period = %(period)s)
