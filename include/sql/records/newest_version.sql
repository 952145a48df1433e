-- The newest version of a return, and whether it came later than a submission that is to join that return.
SELECT coalesce(max(o.version), 0) AS newest,
       coalesce(bool_or((s.is_sample OR NOT o.is_sample)
         AND (o.received_at, coalesce(f.registered_at, o.registered_at)) > (s.received_at, s.registered_at)), false) AS is_later
FROM core.submission s
LEFT JOIN core.submission o
  ON (o.collection, o.period, o.sender, o.part) = (s.collection, %(period)s, %(sender)s, %(part)s)
LEFT JOIN core.identified_later i ON i.became = o.submission_id
LEFT JOIN core.submission f ON f.submission_id = i.submission_id
WHERE s.submission_id = %(submission_id)s
