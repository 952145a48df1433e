-- What followed for a trust: its return counts in figures that are published now.
INSERT INTO made (event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
                  recommendation_number, summary, source)
SELECT md5(concat_ws('|', 'in_benchmarks', r.release_id, s.submission_id)), (c.published_at AT TIME ZONE 'Europe/London')::date, NULL, 'day',
       'in_benchmarks', 'derived', 'actual', p.code, r.collection, r.period, NULL,
       'Version ' || s.version || ' of ' || s.collection || ' for ' || s.period || CASE WHEN s.is_sample THEN ' (sample)' ELSE '' END
         || ' counts in the published benchmarks', 'release ' || r.release_id
FROM core.current_release c JOIN core.release r USING (release_key) JOIN core.release_input i ON i.release_key = r.release_key AND i.counts
JOIN core.submission s ON s.submission_id = i.submission_id AND s.collection = r.collection AND s.period = r.period
JOIN core.provider p ON p.code = s.sender
WHERE (%(collection)s::text IS NULL OR (r.collection, r.period) = (%(collection)s::text, %(period)s::text));
