-- A steward does not accept an answer of a trust.
INSERT INTO core.reply_refusal (reply_id, person, words, batch) VALUES (%(reply_id)s, %(person)s, %(words)s, %(batch)s) RETURNING reply_id
