-- The addresses for which something waits that may be sent now, whoever waits longest first.
SELECT w.mail FROM core.message_waiting w JOIN core.message m USING (message_key)
WHERE w.next_at <= %(now)s AND (%(kinds)s::text[] IS NULL OR m.kind = ANY(%(kinds)s))
GROUP BY w.mail ORDER BY min(w.next_at), w.mail LIMIT %(limit)s
