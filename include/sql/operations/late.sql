-- Collections and periods that were due in the last three months and of which nothing at all has come.
SELECT collection, period, min(due) AS due FROM core.expected e
WHERE due < now() AND due > now() - interval '90 days'
  AND NOT EXISTS (SELECT FROM core.submission s WHERE (s.collection, s.period) = (e.collection, e.period))
GROUP BY collection, period ORDER BY min(due), collection, period
