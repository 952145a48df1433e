-- What trusts reported to their boards on recommendations.
SELECT b.*, n.provider_name
FROM published.board_reports b LEFT JOIN published.providers n USING (provider_code)
ORDER BY b.occurred_from, b.event_id
