-- The current release of a collection and period.
SELECT r.release_id, r.collection, r.period, r.created_at, r.is_sample, r.reference_version, r.code_version, r.submissions
FROM core.current_release c JOIN core.release r USING (release_key)
WHERE c.collection = %(collection)s AND c.period = %(period)s
