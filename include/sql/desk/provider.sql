-- The name of a provider.
SELECT coalesce(provider_name, provider_code) FROM published.providers WHERE provider_code = %(provider)s
