-- Forgets a person's filter.
DELETE FROM core.saved_filter WHERE person = %(person)s AND name = %(name)s RETURNING name
