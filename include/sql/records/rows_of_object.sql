-- The validations whose accepted rows an object of records holds, in the order in which they were written.
SELECT s.submission_id, s.collection, s.period, v.decisions, v.records_sha256
FROM core.validation v JOIN core.submission s USING (submission_id) WHERE v.records_key = %(key)s ORDER BY v.validated_at, v.ctid
