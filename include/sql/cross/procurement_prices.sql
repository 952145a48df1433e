-- PP-R3: prices that look like a mistaken pack size. PP-R4: a return that may be a part of the month.
-- Needs price_lines, price_products and price_pairs of benchmarks/procurement_prices.sql.
WITH months AS (
    SELECT provider_code, period, CAST(count(*) AS DOUBLE) AS lines, total(line_value_gbp) AS spend_gbp
    FROM history
    WHERE period BETWEEN months_before(target_period(), 3) AND target_period()
    GROUP BY provider_code, period
),
usual AS (
    SELECT
        provider_code,
        total(lines) / count(*) AS lines,
        total(spend_gbp) / count(*) AS spend_gbp
    FROM months
    WHERE period < target_period()
    GROUP BY provider_code
    HAVING max(period) = period_before(target_period())
),
sizes AS (
    SELECT n.provider_code, r.submission_id, n.lines, n.spend_gbp, u.lines AS usual_lines, u.spend_gbp AS usual_spend_gbp
    FROM months AS n
    JOIN usual AS u USING (provider_code)
    JOIN (SELECT provider_code, min(submission_id) AS submission_id FROM records GROUP BY provider_code) AS r
        USING (provider_code)
    ANTI JOIN breaks USING (provider_code)
    WHERE n.period = target_period()
)
SELECT
    'PP-R3' AS rule_id,
    l.provider_code,
    l.submission_id,
    l.sheet,
    l.line,
    'unit_price_gbp' AS column_name,
    CAST(l.unit_price_gbp AS VARCHAR) AS raw_value,
    format(
        'Product {} costs £{} each here (unit price £{} for {} units). Expected £{} to £{}, a fifth to five times of what '
        || 'trusts pay (median £{}). Correct units_per_issue or unit_price_gbp, or confirm the price; until then the line '
        || 'is left out of price comparisons.',
        l.product_code,
        say(l.unit_price_gbp / l.units_per_issue, 4),
        say(l.unit_price_gbp, 4),
        say(l.units_per_issue, 0),
        say(p.least_credible, 4),
        say(p.most_credible, 4),
        say(p.median, 4)
    ) AS message
FROM price_lines AS l
JOIN price_products AS p
    ON p.product_code = l.product_code
    AND p.code_type = l.code_type
    AND NOT (l.unit_price_gbp / l.units_per_issue BETWEEN p.least_credible AND p.most_credible)
SEMI JOIN (SELECT product_id FROM price_pairs GROUP BY product_id HAVING count(*) >= 3) AS k
    ON k.product_id = p.product_id
WHERE l.period = target_period()
UNION ALL
SELECT
    'PP-R4',
    provider_code,
    submission_id,
    NULL,
    NULL,
    NULL,
    NULL,
    format(
        'The return has {} order lines and £{} of spend; the three months before had {} lines and £{} a month. '
        || 'Expected half to twice of both. Send the full month, or confirm that it is complete.',
        say(lines, 0), say(spend_gbp, 0), say(usual_lines, 0), say(usual_spend_gbp, 0)
    )
FROM sizes
WHERE
    NOT (lines BETWEEN 0.5 * usual_lines AND 2 * usual_lines)
    OR NOT (spend_gbp BETWEEN 0.5 * usual_spend_gbp AND 2 * usual_spend_gbp)
