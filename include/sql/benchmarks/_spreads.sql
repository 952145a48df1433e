-- The spread of each metric over each peer group, and over the peers of each trust, itself left out. Needs measured, metrics, peer_group
-- and peer (include/measures/peer_groups.py). Makes spreads, in which provider_code says whose peers they are, and is NULL for a whole group.
-- Only whole values count: a part of a figure is no figure of its trust. quantile_cont is linear (R type 7). A figure over too few trusts
-- is withheld; the row stays and says how many there are.
CREATE TEMP TABLE spreads AS
WITH members AS (
    SELECT DISTINCT 'national' AS basis, 'national' AS peer_group, NULL AS provider_code, provider_code AS member FROM measured
    UNION ALL
    SELECT basis, peer_group, NULL, provider_code FROM peer_group
    UNION ALL
    SELECT o.basis, o.peer_group, o.provider_code, p.provider_code
    FROM peer_group AS o
    JOIN peer_group AS p ON p.basis = o.basis AND p.peer_group = o.peer_group AND p.provider_code <> o.provider_code
    UNION ALL
    SELECT basis, basis || ':' || provider_code, provider_code, peer_code FROM peer
),
placed AS (
    SELECT r.metric_id, m.*, CASE WHEN r.withheld IS NULL THEN r.value END AS value, r.is_sample
    FROM members AS m
    JOIN measured AS r ON r.provider_code = m.member
),
spread AS (
    SELECT
        metric_id,
        basis,
        peer_group,
        provider_code,
        count(*) AS members,
        count(value) AS members_with_value,
        min(value) AS minimum,
        quantile_cont(value, 0.25) AS lower_quartile,
        quantile_cont(value, 0.50) AS median,
        quantile_cont(value, 0.75) AS upper_quartile,
        max(value) AS maximum,
        bool_or(is_sample) AS any_sample,
        coalesce(bool_or(is_sample) FILTER (WHERE value IS NOT NULL), any_sample) AS is_sample
    FROM placed
    GROUP BY metric_id, basis, peer_group, provider_code
),
enough AS (
    SELECT
        s.*,
        s.members_with_value >= for_median(m.min_peers_median) AS for_median,
        s.members_with_value >= for_quartiles(s.basis, m.min_peers_median) AS for_quartiles
    FROM spread AS s
    LEFT JOIN metrics AS m USING (metric_id)
)
SELECT
    metric_id,
    basis,
    peer_group,
    provider_code,
    members,
    members_with_value,
    CASE WHEN for_quartiles THEN minimum END AS minimum,
    CASE WHEN for_quartiles THEN lower_quartile END AS lower_quartile,
    CASE WHEN for_median THEN median END AS median,
    CASE WHEN for_quartiles THEN upper_quartile END AS upper_quartile,
    CASE WHEN for_quartiles THEN maximum END AS maximum,
    any_sample,
    is_sample
FROM enough
