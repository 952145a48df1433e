-- Messages to trusts that were given up lately, and those that should have been sent long ago.
SELECT (SELECT count(*) FROM core.message_attempt a WHERE a.outcome = 'given_up' AND a.at > now() - interval '7 days'),
       count(*), min(m.not_before)
FROM core.message_waiting w JOIN core.message m USING (message_key)
WHERE greatest(w.next_at, m.not_before) < now() - interval '1 day'
