-- Spread of each metric over all trusts and over each sector. quantile_cont is linear (R type 7).
-- A figure over too few trusts is withheld; the row stays and says how many there are. Only whole values count: a part of a figure is
-- no figure of its trust.
WITH placed AS (
    SELECT metric_id, CASE WHEN withheld IS NULL THEN value END AS value, is_sample, 'national' AS peer_group FROM measured
    UNION ALL
    SELECT metric_id, CASE WHEN withheld IS NULL THEN value END, is_sample, peer_group
    FROM measured
    WHERE peer_group <> 'national'
),
spread AS (
    SELECT
        metric_id,
        peer_group,
        count(value) AS providers,
        min(value) AS minimum,
        quantile_cont(value, 0.25) AS lower_quartile,
        quantile_cont(value, 0.50) AS median,
        quantile_cont(value, 0.75) AS upper_quartile,
        max(value) AS maximum,
        coalesce(bool_or(is_sample) FILTER (WHERE value IS NOT NULL), bool_or(is_sample)) AS is_sample
    FROM placed
    GROUP BY metric_id, peer_group
),
-- Least counts: a median 5 trusts (more where the metric says so), a distribution 8, and 10 over the whole country.
enough AS (
    SELECT
        s.*,
        s.providers >= greatest(5, coalesce(m.min_peers_median, 5)) AS for_median,
        s.providers >= greatest(CASE WHEN s.peer_group = 'national' THEN 10 ELSE 8 END, coalesce(m.min_peers_median, 5))
            AS for_distribution
    FROM spread AS s
    LEFT JOIN metrics AS m USING (metric_id)
)
SELECT
    metric_id,
    peer_group,
    providers,
    CASE WHEN for_distribution THEN minimum END AS minimum,
    CASE WHEN for_distribution THEN lower_quartile END AS lower_quartile,
    CASE WHEN for_median THEN median END AS median,
    CASE WHEN for_distribution THEN upper_quartile END AS upper_quartile,
    CASE WHEN for_distribution THEN maximum END AS maximum,
    is_sample
FROM enough
