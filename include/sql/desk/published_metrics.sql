-- The metrics with benchmarks of a collection and period; those about data quality last.
SELECT metric_id FROM published.benchmarks
WHERE collection = %(collection)s AND period = %(period)s
GROUP BY metric_id ORDER BY starts_with(metric_id, 'DQ'), metric_id COLLATE "C"
