-- What is published now, and since when.
INSERT INTO made (event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
                  recommendation_number, summary, source)
SELECT md5(concat_ws('|', 'published', r.release_id)), (c.published_at AT TIME ZONE 'Europe/London')::date, NULL, 'day', 'published', 'derived',
       'actual', NULL, r.collection, r.period, NULL,
       'Benchmarks of ' || r.collection || ' for ' || r.period || CASE WHEN r.is_sample THEN ' (sample)' ELSE '' END || ' were published',
       'release ' || r.release_id
FROM core.current_release c JOIN core.release r USING (release_key)
WHERE (%(collection)s::text IS NULL OR (r.collection, r.period) = (%(collection)s::text, %(period)s::text));
