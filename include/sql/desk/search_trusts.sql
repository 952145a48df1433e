-- Providers whose code or name has a text.
SELECT provider_code, provider_name FROM published.providers
WHERE upper(provider_code) = upper(%(text)s) OR strpos(lower(provider_name), lower(%(text)s)) > 0
ORDER BY upper(provider_code) = upper(%(text)s) DESC, provider_name, provider_code LIMIT 21
