-- The submissions that are an archived file, and where each lay in the inbox.
SELECT s.submission_id, r.inbox_key FROM core.submission s LEFT JOIN core.receipt r USING (submission_id) WHERE s.archive_key = %(archive_key)s
