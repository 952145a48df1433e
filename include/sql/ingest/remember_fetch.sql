-- What the server said of a URL, and where its file went.
INSERT INTO core.fetch (url, etag, last_modified, fetched_at, submission_key)
VALUES (%(url)s, %(etag)s, %(last_modified)s, now(), %(key)s)
ON CONFLICT (url) DO UPDATE
SET etag = excluded.etag, last_modified = excluded.last_modified, fetched_at = excluded.fetched_at,
    submission_key = excluded.submission_key
