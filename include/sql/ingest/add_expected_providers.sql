INSERT INTO core.expected_provider (collection, period, provider_code)
SELECT * FROM unnest(%(collections)s::text[], %(periods)s::text[], %(providers)s::text[])
ON CONFLICT DO NOTHING
