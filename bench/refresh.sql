-- The plain way's price benchmark: include/sql/benchmarks/ and measures/procurement_prices.sql, for PostgreSQL and one month.
CREATE TEMP TABLE adjustments ON COMMIT DROP AS
SELECT DISTINCT ON (ods_code, po_number, po_line) *
FROM plain.lines
WHERE line_type = 'adjustment'
ORDER BY ods_code, po_number, po_line, order_date DESC, line DESC;

CREATE TEMP TABLE price_lines ON COMMIT DROP AS
SELECT o.*, o.unit_price_gbp / o.units_per_issue AS price
FROM plain.lines AS o
WHERE
    o.line_type = 'credit'
    OR (
        o.line_type = 'order'
        AND NOT EXISTS (
            SELECT FROM adjustments AS a
            WHERE a.ods_code = o.ods_code AND a.po_number = o.po_number AND a.po_line = o.po_line
        )
    )
UNION ALL
SELECT a.*, a.unit_price_gbp / a.units_per_issue FROM adjustments AS a;

CREATE TEMP TABLE products ON COMMIT DROP AS
SELECT product_code, code_type, percentile_cont(0.5) WITHIN GROUP (ORDER BY price) AS median
FROM price_lines
WHERE product_code IS NOT NULL AND code_type IN ('gtin', 'npc', 'mpc') AND line_type <> 'credit'
GROUP BY product_code, code_type
HAVING percentile_cont(0.5) WITHIN GROUP (ORDER BY price) > 0 AND min(ods_code) <> max(ods_code);
ANALYZE price_lines, products;

CREATE TEMP TABLE compared_lines ON COMMIT DROP AS
SELECT l.*, p.median AS line_median, l.price BETWEEN 0.2::float8 * p.median AND 5::float8 * p.median AS credible
FROM price_lines AS l
JOIN products AS p USING (product_code, code_type);

CREATE TEMP TABLE pairs ON COMMIT DROP AS
SELECT
    product_code,
    code_type,
    ods_code,
    count(*) FILTER (WHERE credible AND line_type <> 'credit') AS lines,
    count(*) FILTER (WHERE NOT credible) AS suspects,
    sum(quantity * units_per_issue) FILTER (WHERE credible) AS base_units,
    sum(line_value_gbp) FILTER (WHERE credible) AS spend_gbp
FROM compared_lines
GROUP BY product_code, code_type, ods_code;

CREATE TABLE plain.spread AS
WITH compared AS (
    SELECT
        product_code,
        code_type,
        count(*) AS trusts,
        sum(lines)::bigint AS lines,
        sum(spend_gbp) AS spend_gbp,
        min(spend_gbp / base_units) FILTER (WHERE base_units >= 3) AS lowest,
        percentile_cont(0.25) WITHIN GROUP (ORDER BY spend_gbp / base_units) AS lower_quartile,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY spend_gbp / base_units) AS median,
        percentile_cont(0.75) WITHIN GROUP (ORDER BY spend_gbp / base_units) AS upper_quartile,
        max(spend_gbp / base_units) AS highest
    FROM pairs
    WHERE lines > 0 AND base_units > 0 AND spend_gbp > 0
    GROUP BY product_code, code_type
    HAVING count(*) >= 3 AND sum(lines) >= 2
)
SELECT c.*, s.suspects_left_out, d.description
FROM compared AS c
JOIN (SELECT product_code, code_type, sum(suspects)::bigint AS suspects_left_out FROM pairs GROUP BY 1, 2) AS s
    USING (product_code, code_type)
JOIN (SELECT product_code, code_type, min(description COLLATE "C") AS description FROM price_lines GROUP BY 1, 2) AS d
    USING (product_code, code_type);

CREATE TABLE plain.position AS
SELECT
    p.product_code,
    p.code_type,
    p.ods_code AS provider_code,
    p.lines,
    p.base_units,
    p.spend_gbp,
    p.spend_gbp / p.base_units AS unit_price_gbp,
    (p.spend_gbp / p.base_units - s.median) / s.median AS variance_to_median,
    greatest(p.spend_gbp / p.base_units - s.median, 0) * p.base_units AS opportunity_to_median_gbp,
    CASE WHEN s.lowest IS NOT NULL THEN greatest(p.spend_gbp / p.base_units - s.lowest, 0) * p.base_units END
        AS opportunity_to_lowest_gbp
FROM pairs AS p
JOIN plain.spread AS s USING (product_code, code_type)
WHERE p.lines > 0 AND p.base_units > 0 AND p.spend_gbp > 0;

CREATE TABLE plain.measures AS
WITH compared AS (
    SELECT
        provider_code,
        sum((p.unit_price_gbp - s.median) * p.base_units) AS variance_gbp,
        sum(p.opportunity_to_median_gbp) AS to_median_gbp,
        sum(p.opportunity_to_lowest_gbp) AS to_lowest_gbp,
        sum(CASE WHEN abs(p.variance_to_median) <= 0.05 THEN p.spend_gbp ELSE 0 END) AS near_median_gbp,
        sum(p.spend_gbp) AS matched_gbp
    FROM plain.position AS p
    JOIN plain.spread AS s USING (product_code, code_type)
    GROUP BY provider_code
),
spent AS (
    SELECT
        ods_code AS provider_code,
        sum(line_value_gbp) AS spend_gbp,
        sum(CASE WHEN national_contract THEN line_value_gbp WHEN NOT national_contract THEN 0 END) AS national_gbp,
        sum(line_value_gbp) FILTER (WHERE national_contract IS NOT NULL) AS contract_known_gbp
    FROM price_lines
    GROUP BY ods_code
)
SELECT
    m.metric_id,
    provider_code,
    m.numerator,
    m.denominator,
    CASE WHEN m.times IS NULL THEN m.numerator WHEN m.denominator > 0 THEN m.times * m.numerator / m.denominator END AS value
FROM spent AS s
LEFT JOIN compared AS c USING (provider_code)
CROSS JOIN LATERAL (
    VALUES
        ('PP01', c.variance_gbp, c.matched_gbp, 100),
        ('PP02', c.to_median_gbp, NULL, NULL),
        ('PP03', c.to_lowest_gbp, NULL, NULL),
        ('PP04', c.near_median_gbp, c.matched_gbp, 100),
        ('PP05', coalesce(c.matched_gbp, 0), s.spend_gbp, 100),
        ('PP06', s.national_gbp, s.contract_known_gbp, 100)
) AS m(metric_id, numerator, denominator, times);

INSERT INTO plain.findings (file, line, rule_id, column_name, raw_value)
SELECT file, line, 'PP-R3', 'unit_price_gbp', unit_price_gbp::text
FROM compared_lines
JOIN (SELECT product_code, code_type FROM pairs GROUP BY 1, 2 HAVING count(*) >= 3) AS k USING (product_code, code_type)
WHERE NOT credible;
