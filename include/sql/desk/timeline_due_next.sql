-- Plans and deadlines without an outcome that are still to come, the nearest first; '' is any trust or collection.
SELECT e.*, p.provider_name
FROM published.engagement_timeline e LEFT JOIN published.providers p USING (provider_code)
WHERE e.status IN ('planned', 'deadline')
  AND NOT EXISTS (SELECT FROM published.engagement_timeline o WHERE o.fulfils = e.event_id)
  AND coalesce(e.occurred_to, e.occurred_from) >= %(today)s
  AND (%(provider)s::text = '' OR e.provider_code IS NULL OR e.provider_code = ANY(%(codes)s))
  AND (%(collection)s::text = '' OR e.collection IS NULL OR e.collection = %(collection)s)
ORDER BY e.occurred_from, coalesce(e.occurred_to, e.occurred_from), e.layer DESC, e.kind, e.event_id
LIMIT 200
