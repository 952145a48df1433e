-- A metric of a period for every provider, with the sentences that explain why a value or a rank is withheld.
SELECT m.*, w.sentence, k.sentence AS rank_sentence
FROM published.measures m
LEFT JOIN published.reasons w ON w.code = m.withheld
LEFT JOIN published.reasons k ON k.code = m.rank_withheld
WHERE m.collection = %(collection)s AND m.period = %(period)s AND m.metric_id = %(metric)s
ORDER BY coalesce(m.provider_name, m.provider_code), m.provider_code
