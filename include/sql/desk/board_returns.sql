-- Every return of a collection and period, with the name of its sender.
SELECT b.*, p.provider_name
FROM intake.turns b LEFT JOIN published.providers p ON p.provider_code = b.sender
WHERE b.collection = %(collection)s AND b.period = %(period)s AND b.sender IS NOT NULL
ORDER BY coalesce(p.provider_name, b.sender), b.part
