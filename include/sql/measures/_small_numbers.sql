-- Small numbers: from here on only protected figures exist, so that benchmarks, ranks, comparisons and everything that is
-- stored or shown follow from them alone. Needs measured, metrics, disclosure (the collection's regime) and people_parts (where
-- it says which parts count people; else both parts of metrics of class persons do); keeps the exact
-- figures as exact, for rules inside. docs/decisions/0013-small-numbers.md says why here and nowhere later.

-- A part that counts people and is too small to show. hes: 1 to 7 (0 is shown); mhsds: under 5, 0 too. Means have fractions.
CREATE MACRO too_few(x, regime) AS
    CASE regime WHEN 'hes' THEN x <> 0 AND abs(x) < 7.5 WHEN 'mhsds' THEN abs(x) < 5 ELSE FALSE END;
CREATE MACRO to_fives(x) AS 5 * floor(x / 5 + 0.5);

ALTER TABLE measured RENAME TO exact;
CREATE TEMP TABLE measured AS
WITH classed AS (
    SELECT
        e.*,
        d.regime,
        d.regime IN ('hes', 'mhsds')
            AND coalesce(p.parts, CASE WHEN m.disclosure_class = 'persons' THEN 'both' ELSE 'neither' END) <> 'neither'
            AS counts_people,
        coalesce(p.parts, 'both') IN ('both', 'numerator') AS of_numerator,
        coalesce(p.parts, 'both') IN ('both', 'denominator') AS of_denominator,
        -- What the ratio is multiplied by, cleared of the last bits of a division, which would tell the exact parts.
        round(e.value * e.denominator / nullif(e.numerator, 0), 6) AS times
    FROM exact AS e
    LEFT JOIN metrics AS m USING (metric_id)
    LEFT JOIN people_parts AS p USING (metric_id)
    CROSS JOIN disclosure AS d
),
parts AS (
    SELECT
        *,
        CASE
            WHEN NOT (counts_people AND of_numerator) THEN numerator
            WHEN NOT too_few(numerator, regime) THEN to_fives(numerator)
        END AS shown_numerator,
        CASE
            WHEN NOT (counts_people AND of_denominator) THEN denominator
            WHEN NOT too_few(denominator, regime) THEN to_fives(denominator)
        END AS shown_denominator
    FROM classed
),
protected AS (
    SELECT
        *,
        CASE
            WHEN NOT counts_people THEN value
            WHEN value IS NULL OR (shown_numerator IS NULL) <> (numerator IS NULL) THEN NULL
            WHEN denominator IS NULL THEN CASE WHEN value = numerator THEN shown_numerator END
            WHEN shown_denominator > 0 AND shown_numerator = 0 THEN 0
            -- A value that is made of more than its two parts cannot be made again, and is withheld.
            WHEN shown_denominator > 0 AND times IN (1, 100, 1000) THEN times * shown_numerator / shown_denominator
        END AS shown_value
    FROM parts
)
SELECT
    metric_id,
    provider_code,
    shown_numerator AS numerator,
    shown_denominator AS denominator,
    shown_value AS value,
    -- What a unit is worth is made of exact parts.
    CASE WHEN NOT counts_people THEN gbp_per_unit END AS gbp_per_unit,
    quality_flag,
    counts_people
        AND (
            (shown_numerator IS NULL) <> (numerator IS NULL)
            OR (shown_denominator IS NULL) <> (denominator IS NULL)
            OR (shown_value IS NULL) <> (value IS NULL)
        ) AS suppressed,
    peer_group,
    is_sample
FROM protected
