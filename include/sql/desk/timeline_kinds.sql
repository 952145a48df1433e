-- The kinds, layers and collections of events, with their first and last day.
SELECT kind, layer, collection, min(occurred_from) AS first, max(coalesce(occurred_to, occurred_from)) AS last
FROM published.engagement_timeline GROUP BY 1, 2, 3
