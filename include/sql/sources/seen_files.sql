-- What was seen of one part of a collection, over all its sources, in the order in which it was seen.
SELECT source, period, edition, page_url, link_url, resource, published, outcome, etag, last_modified, sha256, inbox_key, seen_at
FROM core.source_file
WHERE collection = %(collection)s AND part = %(part)s
ORDER BY file_id
