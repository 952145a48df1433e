-- Every plan and deadline with its outcome, of a trust with its ancestors and of the programme, or of all ('').
SELECT p.*, n.provider_name
FROM published.programme_plan p LEFT JOIN published.providers n USING (provider_code)
WHERE %(provider)s::text = '' OR p.provider_code IS NULL OR p.provider_code = ANY(%(codes)s)
ORDER BY p.planned_from, coalesce(p.planned_to, p.planned_from), p.plan_id
