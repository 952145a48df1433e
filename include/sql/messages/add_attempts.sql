-- Records what came of one email, for each message that was in it.
INSERT INTO core.message_attempt (message_key, number, at, outcome, said, mail_id, try_again_at)
SELECT k, 1 + (SELECT count(*) FROM core.message_attempt a WHERE a.message_key = k), %(at)s, %(outcome)s, %(said)s, %(mail_id)s, %(try_again_at)s
FROM unnest(%(keys)s::bigint[]) k
