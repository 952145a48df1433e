-- Waits until no other transaction moves the pointers of these returns. One order for all, so that two do not wait for each other.
WITH numbers AS MATERIALIZED (
  SELECT DISTINCT hashtext(concat_ws('|', 'counting', r.collection, r.period, r.sender, r.part)) AS number
  FROM unnest(%(collection)s::text[], %(period)s::text[], %(sender)s::text[], %(part)s::text[]) AS r (collection, period, sender, part)
  ORDER BY 1
)
SELECT pg_advisory_xact_lock(n.number) FROM numbers n
