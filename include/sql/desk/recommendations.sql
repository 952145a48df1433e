-- The recommendations.
SELECT * FROM published.recommendations ORDER BY number
