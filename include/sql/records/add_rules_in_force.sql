INSERT INTO core.rules_in_force (collection, rules_version, reference_part, providers)
VALUES (%(collection)s, %(rules_version)s, %(reference_part)s, %(providers)s)
