-- The providers that took a provider over.
SELECT a.provider_code, n.provider_name, a.joined_on
FROM published.provider_ancestors a LEFT JOIN published.providers n USING (provider_code)
WHERE a.ancestor_code = %(provider)s ORDER BY a.joined_on, a.provider_code
