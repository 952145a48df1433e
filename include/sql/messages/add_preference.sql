-- Adds a contact's choice; no row where there is no such contact.
INSERT INTO core.contact_preference (contact_key, kind, choice, said_by)
SELECT c.contact_key, %(kind)s, %(choice)s, %(person)s FROM core.contact c WHERE c.mail = %(mail)s AND c.left_at IS NULL
