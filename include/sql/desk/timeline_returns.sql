-- Deadlines and receipts of first versions by collection and period. The days between the two are counted for trusts with one of
-- each; '' is any trust, collection or year.
WITH asked AS (
  SELECT * FROM published.engagement_timeline
  WHERE layer = 'derived' AND kind IN ('due', 'received')
    AND (%(provider)s::text = '' OR provider_code = ANY(%(codes)s))
    AND (%(collection)s::text = '' OR collection = %(collection)s)),
one AS (
  SELECT collection, period, provider_code,
         count(*) FILTER (WHERE kind = 'due') AS dues,
         count(*) FILTER (WHERE kind = 'received') AS receipts,
         min(occurred_from) FILTER (WHERE kind = 'due') AS due,
         min(occurred_from) FILTER (WHERE kind = 'received') AS received
  FROM asked GROUP BY 1, 2, 3)
SELECT collection, period, min(due) AS due, sum(dues)::int AS dues, sum(receipts)::int AS receipts, min(received) AS first_received,
       count(*) FILTER (WHERE dues = 1 AND receipts = 1)::int AS pairs,
       count(*) FILTER (WHERE dues = 1 AND receipts = 0)::int AS missing,
       count(*) FILTER (WHERE dues = 1 AND receipts = 1 AND received > due)::int AS late,
       min(received - due) FILTER (WHERE dues = 1 AND receipts = 1) AS least_days,
       max(received - due) FILTER (WHERE dues = 1 AND receipts = 1) AS most_days
FROM one GROUP BY 1, 2
HAVING %(year)s::text = '' OR left(min(coalesce(due, received))::text, 4) = %(year)s
ORDER BY collection, period DESC
