-- How many messages that may go into a digest an address was sent by themselves since a moment, and how many digests.
SELECT count(*) FILTER (WHERE n = 1)::int AS singles, count(*) FILTER (WHERE n > 1)::int AS digests
FROM (
  SELECT a.mail_id, count(*) AS n FROM core.message m JOIN core.message_attempt a USING (message_key)
  WHERE m.mail = %(mail)s AND a.outcome = 'sent' AND a.at >= %(since)s AND m.kind <> ALL(%(at_once)s)
  GROUP BY a.mail_id) mails
