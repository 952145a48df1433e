-- What follows from who is expected and what was sent. Ids come from the facts, so the same facts give the same events.
WITH sent AS (
SELECT s.submission_id, s.collection, s.period, s.sender, s.part, s.version, s.is_sample, v.outcome, e.due, e.closes,
       (s.received_at AT TIME ZONE 'Europe/London')::date AS day, s.received_at,
       (CASE WHEN p.code IS NOT NULL THEN s.sender END) AS provider_code,
       s.collection || ' for ' || s.period || CASE WHEN s.part = '' THEN '' ELSE ' (' || s.part || ')' END
         || CASE WHEN s.is_sample THEN ' (sample)' ELSE '' END AS what
FROM core.submission s
LEFT JOIN LATERAL (  -- what was said of it first, under the decisions in force then; what was decided later is an event of its own
  SELECT outcome FROM core.validation v WHERE v.submission_id = s.submission_id ORDER BY validated_at, rules_version DESC LIMIT 1) v ON true
LEFT JOIN core.expected e USING (collection, period, sender, part)
LEFT JOIN core.provider p ON p.code = s.sender
WHERE s.period IS NOT NULL AND s.sender IS NOT NULL
  AND (%(collection)s::text IS NULL OR (s.collection, s.period) = (%(collection)s::text, %(period)s::text)))
INSERT INTO made (event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
                  recommendation_number, summary, source)
SELECT md5(concat_ws('|', 'due', collection, period, sender, part)), (due AT TIME ZONE 'Europe/London')::date, NULL::date, 'day', 'due', 'derived',
       'deadline', CASE WHEN p.code IS NOT NULL THEN sender END, collection, period, NULL::int,
       collection || ' for ' || period || ' is due', 'calendar of the catalogue'
FROM core.expected LEFT JOIN core.provider p ON p.code = sender WHERE due IS NOT NULL
  AND (%(collection)s::text IS NULL OR (collection, period) = (%(collection)s::text, %(period)s::text))
UNION ALL
SELECT md5(concat_ws('|', 'missing_at_close', e.collection, e.period, e.sender, e.part)), (closes AT TIME ZONE 'Europe/London')::date, NULL, 'day',
       'missing_at_close', 'derived', 'actual', CASE WHEN p.code IS NOT NULL THEN e.sender END, e.collection, e.period, NULL,
       e.collection || ' for ' || e.period || ' had not been received at its close', 'submission log'
FROM core.expected e LEFT JOIN core.provider p ON p.code = e.sender
WHERE e.closes < %(now)s AND (%(collection)s::text IS NULL OR (e.collection, e.period) = (%(collection)s::text, %(period)s::text))
  AND NOT EXISTS (SELECT FROM sent s WHERE (s.collection, s.period, s.sender, s.part) = (e.collection, e.period, e.sender, e.part)
                  AND s.received_at <= e.closes)
UNION ALL
SELECT md5(concat_ws('|', 'received', submission_id)), day, NULL, 'day', CASE WHEN version = 1 THEN 'received' ELSE 'resubmitted' END,
       'derived', 'actual', provider_code, collection, period, NULL,
       'Version ' || version || ' of ' || what || ' was received', 'submission ' || submission_id
FROM sent
UNION ALL
SELECT md5(concat_ws('|', 'late', submission_id)), day, NULL, 'day', 'late', 'derived', 'actual', provider_code, collection, period, NULL,
       what || ' came ' || greatest(1, day - (due AT TIME ZONE 'Europe/London')::date) || ' days after it was due', 'submission ' || submission_id
FROM sent WHERE version = 1 AND received_at > due
UNION ALL
SELECT md5(concat_ws('|', outcome, submission_id)), day, NULL, 'day', CASE outcome WHEN 'held' THEN 'held' ELSE 'accepted' END,
       'derived', 'actual', provider_code, collection, period, NULL,
       'Version ' || version || ' of ' || what || CASE outcome
         WHEN 'held' THEN ' was held' WHEN 'accepted' THEN ' was accepted' ELSE ' was accepted with warnings' END,
       'submission ' || submission_id
FROM sent WHERE outcome IS NOT NULL;
