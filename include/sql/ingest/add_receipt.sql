INSERT INTO core.receipt (inbox_key, etag, submission_id, received_at, again)
VALUES (%(inbox_key)s, %(etag)s, %(submission_id)s, %(received_at)s, %(again)s)
ON CONFLICT DO NOTHING
