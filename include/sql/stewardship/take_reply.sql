-- Notes of which answer of a trust a decision was made; a trigger refuses what does not fit.
INSERT INTO core.reply_taken (decision_id, reply_id) VALUES (%(decision_id)s, %(reply_id)s) RETURNING decision_id
