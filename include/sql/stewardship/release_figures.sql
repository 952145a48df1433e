-- The figures of a release.
SELECT metric_id, provider_code, value, percentile_rank, quality_flag, withheld
FROM core.measure WHERE release_id = %(release_id)s
