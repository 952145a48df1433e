-- One event that somebody entered.
SELECT e.*, p.provider_name
FROM intake.events e LEFT JOIN published.providers p USING (provider_code)
WHERE e.event_id = %(event_id)s
