-- The log of the submissions that figures rest on, with what each is without decisions.
SELECT s.collection, s.period, CASE WHEN %(is_national)s THEN NULL ELSE s.sender END AS provider_code, s.sender, s.part, s.submission_id,
       s.version, v.outcome AS state, r.counts AS is_current, s.is_sample,
       coalesce(s.received_at <= e.due, true) AS on_time, v.rows_read, v.rows_recorded, v.rows_rejected,
       v.cells_expected, v.cells_valid, coalesce(v.identified, v.layout IS NOT NULL AND v.rows_read > 0) AS identified,
       coalesce(v.plain_outcome, v.outcome) AS plain_state, coalesce(v.plain_cells_expected, v.cells_expected) AS plain_cells_expected,
       coalesce(v.plain_cells_valid, v.cells_valid) AS plain_cells_valid
FROM unnest(%(submissions)s::text[], %(rules)s::text[], %(counts)s::boolean[]) AS r (submission_id, rules_version, counts)
JOIN core.submission s USING (submission_id) JOIN core.validation v USING (submission_id, rules_version)
LEFT JOIN core.expected e ON (e.collection, e.period, e.sender, e.part) = (s.collection, s.period, s.sender, s.part)
ORDER BY s.collection, s.period, s.sender, s.part, s.version
