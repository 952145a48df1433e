INSERT INTO core.revalidation (collection, period, accepted_too, rules_version, person, reason)
SELECT r.collection, %(period)s, %(accepted_too)s, r.rules_version, %(person)s, %(reason)s
FROM core.rules_now r
WHERE r.collection = %(collection)s
ON CONFLICT DO NOTHING
