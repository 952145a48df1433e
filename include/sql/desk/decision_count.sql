-- The number of decisions that fit the filters ('' for any).
SELECT count(*)
FROM intake.decisions d
WHERE (%(state)s::text = '' OR d.state = %(state)s)
  AND (%(kind)s::text = '' OR d.kind = %(kind)s)
  AND (%(collection)s::text = '' OR d.collection = %(collection)s)
  AND (%(period)s::text = '' OR d.period = %(period)s)
  AND (%(author)s::text = '' OR d.author = %(author)s)
