-- A provider and those that it took over, by the number of steps. Events stay with a trust through its mergers.
SELECT %(provider)s::text AS code, 0 AS steps
UNION ALL
SELECT ancestor_code, steps FROM published.provider_ancestors WHERE provider_code = %(provider)s
ORDER BY steps, code
