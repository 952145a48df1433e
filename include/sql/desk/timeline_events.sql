-- Events of some layers, oldest first. A trust (with its ancestors) or a collection narrows its own layers only; '' is any.
SELECT e.*, p.provider_name
FROM published.engagement_timeline e LEFT JOIN published.providers p USING (provider_code)
WHERE e.layer = ANY(%(layers)s)
  AND (%(provider)s::text = '' OR (e.layer <> 'derived' AND e.provider_code IS NULL) OR e.provider_code = ANY(%(codes)s))
  AND (%(collection)s::text = '' OR e.layer <> 'derived' OR e.collection = %(collection)s)
  AND (%(kind)s::text = '' OR e.kind = %(kind)s)
  AND (%(year)s::text = '' OR (extract(YEAR FROM e.occurred_from) <= nullif(%(year)s, '')::int
       AND extract(YEAR FROM coalesce(e.occurred_to, e.occurred_from)) >= nullif(%(year)s, '')::int))
ORDER BY e.occurred_from, coalesce(e.occurred_to, e.occurred_from), e.layer DESC, e.kind, e.event_id
LIMIT %(size)s OFFSET %(offset)s
