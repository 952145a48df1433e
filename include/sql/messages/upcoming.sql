-- Periods of collections from trusts that are due about now and of which nothing has been received, so that core.expected does not name
-- them. Only of collections of which something was received in another period: others have not begun.
SELECT k.collection, k.period FROM core.calendar k JOIN core.collection c USING (collection)
WHERE c.kind = 'each_trust' AND k.due > %(now)s - interval '14 days' AND (k.due AT TIME ZONE 'Europe/London')::date <= %(soon)s
  AND EXISTS (SELECT FROM core.expected e WHERE e.collection = k.collection)
  AND NOT EXISTS (SELECT FROM core.expected e WHERE (e.collection, e.period) = (k.collection, k.period))
