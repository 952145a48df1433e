-- The spread of each metric over the peers of each trust, itself left out.
SELECT
    metric_id,
    provider_code,
    basis,
    peer_group,
    members AS peers,
    members_with_value AS peers_with_value,
    minimum,
    lower_quartile,
    median,
    upper_quartile,
    maximum,
    any_sample AS is_sample
FROM spreads
WHERE provider_code IS NOT NULL
