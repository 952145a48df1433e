-- The newest figure of each metric of a trust, in every basis that is shown.
SELECT f.collection, f.metric_id, f.period, f.value, f.unit, f.percentile_rank, f.is_sample, m.name, w.sentence
FROM published.latest f
LEFT JOIN published.metrics m USING (metric_id)
LEFT JOIN published.reasons w ON w.code = f.withheld
WHERE f.provider_code = %(provider)s
ORDER BY f.collection, m.name, f.metric_id
