-- The providers that events are about.
SELECT provider_code, provider_name, in_cohort
FROM published.providers p
WHERE EXISTS (SELECT FROM published.engagement_timeline e WHERE e.provider_code = p.provider_code)
ORDER BY coalesce(provider_name, provider_code), provider_code
