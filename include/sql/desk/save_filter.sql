-- Keeps a person's filter; of the same name, in place of what it was. No row where they have fifty others.
INSERT INTO core.saved_filter (person, name, address)
SELECT %(person)s, %(name)s, %(address)s
WHERE (SELECT count(*) FROM core.saved_filter WHERE person = %(person)s AND name <> %(name)s) < 50
ON CONFLICT (person, name) DO UPDATE SET address = excluded.address
RETURNING name
