-- Moves the pointer of a return; one that stands there already keeps its time.
INSERT INTO core.counting AS c (collection, period, sender, part, submission_id, rules_version)
VALUES (%(collection)s, %(period)s, %(sender)s, %(part)s, %(submission_id)s, %(rules_version)s)
ON CONFLICT (collection, period, sender, part) DO UPDATE
SET submission_id = excluded.submission_id, rules_version = excluded.rules_version, since = clock_timestamp()
WHERE (c.submission_id, c.rules_version) <> (excluded.submission_id, excluded.rules_version)
