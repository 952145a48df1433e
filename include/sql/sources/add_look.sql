-- One look that ended.
INSERT INTO core.source_look (look_id, collection, source, page_url, status, etag, last_modified, page_sha256, outcome, said, reached, offered,
                              fetched, asked_since, began_at)
VALUES (%(look_id)s, %(collection)s, %(source)s, %(page_url)s, %(status)s, %(etag)s, %(last_modified)s, %(page_sha256)s, %(outcome)s,
        %(said)s, %(reached)s, %(offered)s, %(fetched)s, %(asked_since)s, %(began_at)s)
