-- The figures of a release.
SELECT metric_id, provider_code, value, percentile_rank, quality_flag, withheld
FROM core.measure WHERE release_key = core.key_of(%(release_id)s)
