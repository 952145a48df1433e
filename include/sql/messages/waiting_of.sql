-- What waits for one address and may be sent now, oldest first. Rows that somebody else is sending are passed over.
SELECT m.message_key, m.kind, m.mail, m.name, m.subject, m.body_text, m.body_html, m.made_at, m.not_after,
       (SELECT count(*)::int FROM core.message_attempt a WHERE a.message_key = m.message_key) AS attempts,
       coalesce((SELECT p.choice FROM core.contact c JOIN core.contact_preference p USING (contact_key)
                 WHERE c.mail = m.mail AND p.kind IN (m.kind, '*') ORDER BY (p.kind = '*'), p.preference_key DESC LIMIT 1), 'usual') AS choice,
       EXISTS (SELECT FROM core.contact c WHERE c.mail = m.mail AND c.left_at IS NOT NULL) AS has_left
FROM core.message_waiting w JOIN core.message m USING (message_key)
WHERE w.mail = %(mail)s AND w.next_at <= %(now)s AND (%(kinds)s::text[] IS NULL OR m.kind = ANY(%(kinds)s))
ORDER BY m.message_key
FOR UPDATE OF w SKIP LOCKED
