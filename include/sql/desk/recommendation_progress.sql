-- The metrics that are linked to recommendations, with their newest national medians and how they moved.
SELECT * FROM published.recommendation_progress ORDER BY recommendation_number, collection, period, metric_id
