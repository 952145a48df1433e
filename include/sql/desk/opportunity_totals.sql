-- What the opportunities that may be added come to, by the number of months that they cover.
SELECT adds_over, sum(opportunity_gbp) AS gbp, array_agg(DISTINCT metric_id ORDER BY metric_id) AS metrics
FROM published.comparisons
WHERE collection = %(collection)s AND period = %(period)s AND provider_code = %(provider)s AND adds_to_total
GROUP BY adds_over ORDER BY adds_over
