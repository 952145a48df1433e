-- A metric of a provider and period compared with each benchmark.
SELECT * FROM published.comparisons
WHERE collection = %(collection)s AND period = %(period)s AND provider_code = %(provider)s AND metric_id = %(metric)s
ORDER BY array_position(%(order)s, benchmark_kind), benchmark_kind
