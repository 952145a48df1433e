-- The programme's lane: every dated event as reviewed, with its precision. An event of the whole cohort is fanned out to each of its trusts.
INSERT INTO made (event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
                  recommendation_number, summary, source, confidence, audience, fulfils)
SELECT e.event_id || CASE WHEN c.code IS NULL THEN '' ELSE '-' || c.code END,
       e.occurred_from, e.occurred_to, e.date_precision, e.kind,
       CASE WHEN e.provider_code IS NULL THEN 'programme' ELSE 'trust' END,
       e.status,
       coalesce(c.code, e.provider_code), NULL, NULL, e.recommendation_number,
       coalesce(nullif(e.actor, '') || ': ', '') || e.summary, e.source, e.confidence, nullif(e.audience, ''), o.plan_id
FROM core.programme_event e
LEFT JOIN core.cohort c ON e.provider_code = 'ALL23'
LEFT JOIN core.plan_outcome o ON o.outcome_id = e.event_id;
