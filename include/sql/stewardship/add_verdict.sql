-- Appends a second person's verdict; triggers refuse what is not allowed.
INSERT INTO core.verdict (decision_id, verdict, person, words)
VALUES (%(decision_id)s, %(verdict)s, %(person)s, %(words)s)
RETURNING decision_id
