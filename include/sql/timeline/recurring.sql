-- Plans that are to come again, such as six-monthly board papers: as long as the trust is open, and once more than has come.
-- That they were held is not known; each stands as a plan of low confidence until somebody enters its outcome.
INSERT INTO made (event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
                  recommendation_number, summary, source, confidence, audience)
SELECT e.event_id || '+' || n, date_trunc('month', e.occurred_from)::date + make_interval(months => n * r.every_months), NULL, 'month', e.kind,
       CASE WHEN e.provider_code IS NULL THEN 'programme' ELSE 'trust' END, 'planned', e.provider_code, NULL, NULL, e.recommendation_number,
       coalesce(nullif(e.actor, '') || ': ', '') || 'The same again, number ' || n + 1 || ', by the rule of every ' || r.every_months || ' months',
       r.source, 'low', nullif(e.audience, '')
FROM core.recurring_event r JOIN core.programme_event e USING (event_id)
LEFT JOIN core.provider p ON p.code = e.provider_code
CROSS JOIN generate_series(1, 1200 / r.every_months) AS n
WHERE e.occurred_from + make_interval(months => (n - 1) * r.every_months) <= %(now)s
  AND (p.open_to IS NULL OR e.occurred_from + make_interval(months => n * r.every_months) <= p.open_to);
