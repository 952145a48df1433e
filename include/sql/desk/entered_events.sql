-- The newest events that people entered, including withdrawn ones; of a trust with its ancestors and of the programme, or of all ('').
SELECT e.*, n.provider_name
FROM intake.events e LEFT JOIN published.providers n USING (provider_code)
WHERE %(provider)s::text = '' OR e.provider_code IS NULL OR e.provider_code = ANY(%(codes)s)
ORDER BY e.entered_at DESC, e.event_id LIMIT 20
