-- Words that every SQL file may use: periods, exact sums and ratios. Needs the tables holidays and metrics.
-- What the figures are of is in target_collection() and target_period().

-- A period is a financial year when its last two digits are no month (as in reference/calendar.py).
CREATE MACRO is_year(p) AS CAST(p[6:7] AS INTEGER) > 12;
CREATE MACRO period_start(p) AS
    CASE WHEN is_year(p) THEN make_date(CAST(p[1:4] AS INTEGER), 4, 1) ELSE CAST(p || '-01' AS DATE) END;
CREATE MACRO period_end(p) AS
    CASE WHEN is_year(p) THEN make_date(CAST(p[1:4] AS INTEGER) + 1, 3, 31) ELSE last_day(CAST(p || '-01' AS DATE)) END;
CREATE MACRO month_of(day) AS strftime(day, '%Y-%m');
-- The month n months earlier.
CREATE MACRO months_before(p, n) AS month_of(CAST(p || '-01' AS DATE) - to_months(n));
CREATE MACRO period_before(p) AS
    CASE
        WHEN is_year(p)
        THEN CAST(CAST(p[1:4] AS INTEGER) - 1 AS VARCHAR) || '-' || p[3:4]
        ELSE months_before(p, 1)
    END;
CREATE MACRO working_days(p) AS (
    SELECT count(*)
    FROM (SELECT CAST(unnest(generate_series(period_start(p), period_end(p), INTERVAL 1 DAY)) AS DATE) AS day) AS days
    WHERE isodow(day) < 6 AND day NOT IN (SELECT holidays.day FROM holidays)
);

-- Sums of floats depend on their order; sums of decimals do not. total() is for what returns hold (three decimals at
-- most, six for a product of two); total_fine() is for sums of computed figures.
CREATE MACRO total(x) AS CAST(sum(CAST(x AS DECIMAL(38, 6))) AS DOUBLE);
CREATE MACRO total_fine(x) AS CAST(sum(CAST(x AS DECIMAL(38, 12))) AS DOUBLE);

-- x where y is given too: a row counts in a ratio only with both of its parts.
CREATE MACRO given(x, y) AS CASE WHEN y IS NOT NULL THEN x END;
-- A metric's value: the numerator itself where there is nothing to divide by (times NULL), else the ratio, if any.
CREATE MACRO metric_value(numerator, denominator, times) AS
    CASE WHEN times IS NULL THEN numerator WHEN denominator > 0 THEN times * numerator / denominator END;

-- How many trusts with a value a figure about several needs (proposals of this project): a median, or more where its metric asks for more;
-- quartiles and extremes, over a group and over the whole country; a rank in a sector.
CREATE MACRO for_rank() AS 5;
CREATE MACRO for_median(asked) AS greatest(5, coalesce(asked, 0));
CREATE MACRO for_quartiles(basis, asked) AS greatest(CASE WHEN basis = 'national' THEN 10 ELSE 8 END, for_median(asked));

-- Numbers in messages.
CREATE MACRO say(x, decimals) AS format('{:,.' || CAST(decimals AS VARCHAR) || 'f}', CAST(x AS DOUBLE));

-- The version of a metric's definition that holds in the target period: where a definition changed, a measures file computes each
-- period by the version of its own.
CREATE MACRO metric_version(id) AS (SELECT version FROM metrics WHERE metric_id = id);

-- Sketches are the smallest 64 hashes, in ascending order (include/validation/profile.py). Up to the largest hash of a full one it holds
-- all that there are, so what both hold up to there is a fair sample of what both have in common: the share of the smaller of the two.
CREATE MACRO sketch_reach(a, b) AS least(
    CASE WHEN len(a) >= 64 THEN a[64] ELSE 9223372036854775807 END,
    CASE WHEN len(b) >= 64 THEN b[64] ELSE 9223372036854775807 END
);
CREATE MACRO sketch_count(a, reach) AS len(list_filter(a, lambda x: x <= reach));
CREATE MACRO sketch_shared(a, b) AS
    CAST(sketch_count(list_intersect(a, b), sketch_reach(a, b)) AS DOUBLE)
    / nullif(least(sketch_count(a, sketch_reach(a, b)), sketch_count(b, sketch_reach(a, b))), 0);

-- How many times apart two numbers above 0 are; 1 where both are 0.
CREATE MACRO times_apart(x, y) AS
    CASE WHEN x = y THEN 1.0 WHEN x > 0 AND y > 0 THEN greatest(x / y, y / x) ELSE 'Infinity'::DOUBLE END;
