-- Has messages wait until a later moment, for the digest of another day.
UPDATE core.message_waiting SET next_at = %(until)s WHERE message_key = ANY(%(keys)s)
