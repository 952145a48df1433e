-- The collections and periods with published benchmarks, newest period first.
SELECT DISTINCT collection, period FROM published.benchmarks ORDER BY collection, period DESC
