-- One file that was seen.
INSERT INTO core.source_file (look_id, collection, source, part, period, edition, page_url, link_url, final_url, link_text, resource,
                              published, period_from, outcome, said, status, etag, last_modified, bytes, sha256, inbox_key, seen_at)
VALUES (%(look_id)s, %(collection)s, %(source)s, %(part)s, %(period)s, %(edition)s, %(page_url)s, %(link_url)s, %(final_url)s,
        %(link_text)s, %(resource)s, %(published)s, %(period_from)s, %(outcome)s, %(said)s, %(status)s, %(etag)s, %(last_modified)s,
        %(bytes)s, %(sha256)s, %(inbox_key)s, %(seen_at)s)
