-- A person's filters of the queue, by name.
SELECT name, address FROM core.saved_filter WHERE person = %(person)s ORDER BY lower(name), name LIMIT 50
