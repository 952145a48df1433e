-- The objects of the bucket of records that validations name.
SELECT records_key FROM core.validation WHERE records_key IS NOT NULL
UNION
SELECT findings_key FROM core.validation WHERE findings_key IS NOT NULL
