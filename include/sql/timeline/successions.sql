-- Renames and successions of the cohort's trusts, of whom they took over and of who took them over, from the reviewed reference data.
-- What the programme's own log tells of the same trust and day is not told twice, and a merger is told of the trust that ended: its
-- successor's lane has it too. What was before the programme began is left out.
WITH RECURSIVE family (code) AS (
  SELECT code FROM core.cohort
  UNION SELECT CASE WHEN s.to_code = f.code THEN s.from_code ELSE s.to_code END
  FROM family f JOIN core.succession s ON s.type IN ('merger', 'acquisition')
    -- backwards to ancestors, forwards only from a trust of the cohort that closed, or from what took it over
    AND (s.to_code = f.code OR (s.from_code = f.code AND EXISTS (SELECT FROM core.provider p WHERE p.code = f.code AND p.open_to IS NOT NULL)))),
named AS (
  SELECT p.code, coalesce(n.name, p.code) || ' (' || p.code || ')' AS name
  FROM core.provider p LEFT JOIN LATERAL (
    SELECT name FROM core.provider_name n WHERE n.code = p.code ORDER BY valid_from DESC NULLS LAST LIMIT 1) n ON true),
told AS (
  SELECT s.from_code AS code, CASE s.type WHEN 'rename' THEN 'trust_renamed' WHEN 'service_transfer' THEN 'service_transfer_out'
           ELSE 'trust_succession' END AS kind, s.legal_date AS day,
         CASE s.type WHEN 'rename' THEN 'Renamed; its latest name is ' || t.name
                     WHEN 'service_transfer' THEN 'Some services went to ' || t.name
                     ELSE 'Became part of ' || t.name || ' (' || s.type || ')' END AS summary, s.source, s.verified, s.to_code AS other
  FROM core.succession s JOIN named t ON t.code = s.to_code
  UNION ALL
  SELECT s.to_code, 'service_transfer_in', s.legal_date, 'Some services came from ' || f.name, s.source, s.verified, s.from_code
  FROM core.succession s JOIN named f ON f.code = s.from_code WHERE s.type = 'service_transfer')
INSERT INTO made (event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
                  recommendation_number, summary, source, confidence)
SELECT md5(concat_ws('|', 'succession', t.code, t.kind, t.day, t.other, t.summary)), t.day, NULL::date, 'day', t.kind, 'trust',
       'actual', t.code, NULL, NULL, NULL::int,  -- a planned one is an event of the programme's log, not a succession
       t.summary, t.source, CASE t.verified WHEN 'yes' THEN 'high' WHEN 'partial' THEN 'medium' ELSE 'low' END
FROM told t
WHERE t.code IN (SELECT code FROM family) AND t.day >= (SELECT min(occurred_from) FROM core.programme_event)
  AND NOT EXISTS (SELECT FROM core.programme_event e WHERE e.provider_code = t.code AND e.occurred_from = t.day
                  AND e.kind IN ('trust_renamed', 'trust_succession', 'service_transfer_out', 'service_transfer_in'))
UNION ALL
-- A new name of a trust of the cohort whose date nobody gives: it lies between the first days on which the two names were seen.
SELECT md5(concat_ws('|', 'renamed', n.code, n.name)), b.valid_from, n.valid_from, 'year', 'trust_renamed', 'trust', 'inferred', n.code, NULL, NULL, NULL,
       'Renamed ' || n.name || ' at some time in this span; the date was not found', n.source, 'low'
FROM core.provider_name n JOIN core.cohort c USING (code)
JOIN core.provider_name b ON b.code = n.code AND b.valid_to = n.valid_from - 1 AND b.valid_from IS NOT NULL
WHERE n.source LIKE '%%first seen there%%'
  AND NOT EXISTS (SELECT FROM core.succession s WHERE s.type = 'rename' AND s.from_code = n.code AND s.legal_date BETWEEN b.valid_from AND n.valid_from);
