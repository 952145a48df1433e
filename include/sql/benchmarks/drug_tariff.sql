-- The month's price lists with each line's price per unit and its change on the month before. Makes price_list.
CREATE TEMP TABLE price_list AS
WITH before AS (
    SELECT part, line_key, price_pence FROM history WHERE period = period_before(target_period())
)
SELECT
    n.part,
    n.line_key,
    n.product_code,
    n.pack_code,
    n.name,
    n.supplier,
    n.pack_size,
    n.unit,
    n.price_pence,
    metric_value(n.price_pence, n.pack_size, 1) AS price_per_unit_pence,
    n.price_pence - b.price_pence AS change_on_previous_pence,
    coalesce(s.is_sample, FALSE) AS is_sample
FROM records AS n
LEFT JOIN before AS b USING (part, line_key)
LEFT JOIN submissions AS s USING (submission_id);
