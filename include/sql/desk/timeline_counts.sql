-- How many events of returns there are by collection, kind and month; '' is any trust, collection, kind or year.
SELECT e.collection, e.kind, date_trunc('month', e.occurred_from)::date AS month, count(*)::int AS events
FROM published.engagement_timeline e
WHERE e.layer = 'derived' AND e.collection IS NOT NULL
  AND (%(provider)s::text = '' OR e.provider_code = ANY(%(codes)s))
  AND (%(collection)s::text = '' OR e.collection = %(collection)s)
  AND (%(kind)s::text = '' OR e.kind = %(kind)s)
  AND (%(year)s::text = '' OR (extract(YEAR FROM e.occurred_from) <= nullif(%(year)s, '')::int
       AND extract(YEAR FROM coalesce(e.occurred_to, e.occurred_from)) >= nullif(%(year)s, '')::int))
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
