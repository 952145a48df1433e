-- Records that a digest was sent.
INSERT INTO core.digest_sent (person, day, content_hash, items, new_items, open_items, mended_items)
VALUES (%(person)s, %(day)s, %(content_hash)s, %(items)s, %(new_items)s, %(open_items)s, %(resolved_items)s)
