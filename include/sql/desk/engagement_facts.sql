-- Facts of trusts by collection: of a trust and its ancestors, or of the cohort (''); '' is any collection.
SELECT f.*, n.provider_name
FROM published.engagement_facts f JOIN published.providers n USING (provider_code)
WHERE (CASE WHEN %(provider)s::text = '' THEN n.in_cohort ELSE f.provider_code = ANY(%(codes)s) END)
  AND (%(collection)s::text = '' OR f.collection = %(collection)s)
ORDER BY coalesce(n.provider_name, f.provider_code), f.provider_code, f.collection
