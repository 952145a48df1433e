-- The spread of each metric over all trusts and over each sector, region and band of size.
SELECT metric_id, peer_group, members_with_value AS providers, minimum, lower_quartile, median, upper_quartile, maximum, is_sample
FROM spreads
WHERE provider_code IS NULL
