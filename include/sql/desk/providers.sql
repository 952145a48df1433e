-- All providers.
SELECT provider_code, provider_name, in_cohort FROM published.providers ORDER BY coalesce(provider_name, provider_code), provider_code
