-- The benchmark of a metric for a peer group and period.
SELECT * FROM published.benchmarks
WHERE collection = %(collection)s AND period = %(period)s AND metric_id = %(metric)s AND peer_group = %(peer_group)s
