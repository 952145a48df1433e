-- All metrics with their definitions.
SELECT * FROM published.metrics
