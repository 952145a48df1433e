-- What stewards decided about returns, once it holds. Who did it is in intake.decisions, not here: this is published.
INSERT INTO made (event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
                  recommendation_number, summary, source)
SELECT md5(concat_ws('|', 'decided', d.decision_key)), (coalesce(d.verdict_at, d.decided_at) AT TIME ZONE 'Europe/London')::date, NULL, 'day',
       'decided', 'derived', 'actual', p.code, d.collection, d.period, NULL,
       'Version ' || d.version || ' of ' || d.collection || ' for ' || d.period
         || CASE WHEN d.part = '' THEN '' ELSE ' (' || d.part || ')' END || CASE WHEN s.is_sample THEN ' (sample)' ELSE '' END
         || CASE d.kind WHEN 'accept' THEN ' was accepted by a decision' WHEN 'hold' THEN ' was put on hold' WHEN 'return' THEN ' was sent back'
              WHEN 'waive' THEN ': ' || d.rule_id || ' was waived until ' || to_char(d.until, 'FMDD Mon YYYY')
              ELSE ': a cell was corrected' END
         || CASE d.state WHEN 'undone' THEN ', which was undone later' WHEN 'ended' THEN ', which has ended' ELSE '' END,
       'decision ' || d.decision_id
FROM intake.decisions d JOIN core.submission s USING (submission_id)
LEFT JOIN core.provider p ON p.code = coalesce(d.provider_code, d.sender)
WHERE d.kind IN ('accept', 'hold', 'return', 'waive', 'correct') AND d.state IN ('in_force', 'undone', 'ended') AND d.period IS NOT NULL
  AND (%(collection)s::text IS NULL OR (d.collection, d.period) = (%(collection)s::text, %(period)s::text));
