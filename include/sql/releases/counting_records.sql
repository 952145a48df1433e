-- Where the records of the submissions that count are.
SELECT s.collection, s.period, submission_id, v.decisions, v.records_key, v.records_bytes, v.records_together
FROM unnest(%(submissions)s::text[], %(rules)s::text[], %(counts)s::boolean[]) AS r (submission_id, rules_version, counts)
JOIN core.submission s USING (submission_id) JOIN core.validation v USING (submission_id, rules_version)
WHERE r.counts ORDER BY s.collection, s.period, submission_id
