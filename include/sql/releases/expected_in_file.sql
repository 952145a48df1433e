-- The trusts that must be in the national file of a period.
SELECT collection, period, provider_code FROM core.expected_provider
WHERE collection = %(collection)s AND period = %(period)s ORDER BY provider_code
