-- What each trust ordered at what price, over the twelve months ending in the period: ordered, not paid.
-- Makes price_lines, price_products, price_pairs, price_spread and price_position. A product is compared over trusts by
-- code, kind of code and base unit (each); local codes and missing codes mean something else in every trust.

-- An adjustment replaces the order line with its number; the latest adjustment counts. Credits net.
CREATE TEMP TABLE price_adjustments AS
SELECT *
FROM history
WHERE line_type = 'adjustment' AND period BETWEEN months_before(target_period(), 11) AND target_period()
QUALIFY row_number() OVER (
    PARTITION BY provider_code, po_number, po_line ORDER BY period DESC, order_date DESC, line DESC, submission_id
) = 1;

CREATE TEMP VIEW price_window AS
SELECT * FROM history WHERE period BETWEEN months_before(target_period(), 11) AND target_period();

CREATE TEMP VIEW price_lines AS
SELECT o.*
FROM price_window AS o
ANTI JOIN price_adjustments USING (provider_code, po_number, po_line)
WHERE o.line_type = 'order'
UNION ALL BY NAME
SELECT * FROM price_window WHERE line_type = 'credit'
UNION ALL BY NAME
SELECT * FROM price_adjustments;

-- National median of line prices; a price outside a fifth to five times of it is taken for a mistaken pack size.
CREATE TEMP TABLE price_products AS
SELECT
    row_number() OVER (ORDER BY product_code, code_type) AS product_id,
    product_code,
    code_type,
    median,
    0.2 * median AS least_credible,
    5 * median AS most_credible
FROM (
    SELECT product_code, code_type, median(unit_price_gbp / units_per_issue) AS median
    FROM price_lines
    WHERE product_code IS NOT NULL AND code_type IN ('gtin', 'npc', 'mpc') AND line_type <> 'credit'
    GROUP BY product_code, code_type
    -- Fewer than three trusts are never compared; fewer than two can be told without counting.
    HAVING median(unit_price_gbp / units_per_issue) > 0 AND min(provider_code) <> max(provider_code)
);

CREATE TEMP TABLE price_pairs AS
SELECT
    product_id,
    provider_code,
    count(*) FILTER (WHERE credible AND line_type <> 'credit') AS lines,
    count(*) FILTER (WHERE NOT credible) AS suspects,
    total(CASE WHEN credible THEN quantity * units_per_issue END) AS base_units,
    total(CASE WHEN credible THEN line_value_gbp END) AS spend_gbp,
    total(CASE WHEN credible AND period = target_period() THEN line_value_gbp END) AS spend_now_gbp
FROM (
    SELECT
        l.*,
        p.product_id,
        l.unit_price_gbp / l.units_per_issue BETWEEN p.least_credible AND p.most_credible AS credible
    FROM price_lines AS l
    JOIN price_products AS p USING (product_code, code_type)
)
GROUP BY product_id, provider_code;

-- A trust's price is its spend over its base units; compared where three trusts and two lines have one.
CREATE TEMP TABLE price_compared AS
WITH spread AS (
    SELECT
        product_id,
        count(*) AS trusts,
        CAST(sum(lines) AS BIGINT) AS lines,
        total(spend_gbp) AS spend_gbp,
        -- One or two units may be a sample or a mistake: they set no lowest price.
        min(CASE WHEN base_units >= 3 THEN spend_gbp / base_units END) AS lowest,
        quantile_cont(spend_gbp / base_units, [0.25, 0.5, 0.75]) AS quartiles,
        max(spend_gbp / base_units) AS highest,
        min(provider_code) AS first_provider,
        coalesce(bool_or(s.is_sample), FALSE) AS is_sample
    FROM price_pairs
    LEFT JOIN price_samples AS s USING (provider_code)
    WHERE lines > 0 AND base_units > 0 AND spend_gbp > 0
    GROUP BY product_id
    HAVING count(*) >= 3 AND sum(lines) >= 2
)
SELECT
    * EXCLUDE (quartiles),
    quartiles[1] AS lower_quartile,
    quartiles[2] AS median,
    quartiles[3] AS upper_quartile
FROM spread;

CREATE TEMP TABLE price_spread AS
SELECT
    p.product_code,
    p.code_type,
    'each' AS base_unit,
    d.description,
    c.trusts,
    c.lines,
    c.spend_gbp,
    c.lowest,
    c.lower_quartile,
    c.median,
    c.upper_quartile,
    c.highest,
    x.suspects_left_out,
    c.is_sample
FROM price_compared AS c
JOIN price_products AS p USING (product_id)
JOIN (SELECT product_id, CAST(sum(suspects) AS BIGINT) AS suspects_left_out FROM price_pairs GROUP BY product_id) AS x
    USING (product_id)
JOIN (
    -- Trusts describe one product in many ways; the first words of the first trust are the same on every run.
    SELECT k.product_id, min(l.description) AS description
    FROM price_lines AS l
    JOIN (
        SELECT product_id, product_code, code_type, first_provider
        FROM price_compared
        JOIN price_products USING (product_id)
    ) AS k
        ON k.product_code = l.product_code AND k.code_type = l.code_type AND k.first_provider = l.provider_code
    GROUP BY k.product_id
) AS d USING (product_id);

-- A view: every trust's every product is the largest thing here, and is read twice at most.
CREATE TEMP VIEW price_position AS
SELECT
    q.product_id,
    p.product_code,
    p.code_type,
    'each' AS base_unit,
    q.provider_code,
    q.lines,
    q.base_units,
    q.spend_gbp,
    q.spend_gbp / q.base_units AS unit_price_gbp,
    c.median AS median_price_gbp,
    q.spend_now_gbp,
    (unit_price_gbp - c.median) / c.median AS variance_to_median,
    CASE WHEN unit_price_gbp > c.median THEN (unit_price_gbp - c.median) * q.base_units ELSE 0 END
        AS opportunity_to_median_gbp,
    CASE
        WHEN unit_price_gbp > c.lowest THEN (unit_price_gbp - c.lowest) * q.base_units
        WHEN c.lowest IS NOT NULL THEN 0
    END AS opportunity_to_lowest_gbp,
    coalesce(s.is_sample, FALSE) AS is_sample
FROM price_pairs AS q
JOIN price_compared AS c USING (product_id)
JOIN price_products AS p USING (product_id)
LEFT JOIN price_samples AS s USING (provider_code)
WHERE q.lines > 0 AND q.base_units > 0 AND q.spend_gbp > 0;
