-- What each figure rests on, and why one is not shown or is no more than a part. Needs measured (protected), windows, computed and
-- metrics. From here on `withheld` is NULL only where a value is there and whole: ranks, benchmarks, comparisons and all that
-- follows take those alone. Reasons follow from protected parts, so that they tell nothing that these do not.
ALTER TABLE measured RENAME TO shown;
CREATE TEMP TABLE measured AS
WITH asked AS (
    SELECT
        s.*,
        starts_with(s.metric_id, 'DQ') AS is_about_returns,
        coalesce(m.missing_rows, 'withhold') AS missing_rows,
        coalesce(m.window_rule, 'whole') AS window_rule,
        coalesce(m.tolerates_missing, 0) AS tolerates_missing,
        w.rows_sent,
        w.rows_used,
        w.months_expected,
        -- A file of measures knows best which months it could use.
        least(
            w.months_expected,
            coalesce(c.months_covered, CASE WHEN m.missing_rows = 'none' THEN w.months_expected ELSE w.months_covered END)
        ) AS months_covered,
        c.withheld AS own_reason,
        r.quality_flag = 'D' AS is_not_reported
    FROM shown AS s
    JOIN returns AS r USING (provider_code)
    LEFT JOIN metrics AS m USING (metric_id)
    JOIN windows AS w ON w.provider_code = s.provider_code AND w.months = coalesce(m.window_months, 1)
    LEFT JOIN computed AS c ON c.metric_id = s.metric_id AND c.provider_code = s.provider_code
),
judged AS (
    SELECT
        *,
        missing_rows <> 'none' AND rows_sent - rows_used > tolerates_missing * rows_sent AS lacks_rows,
        months_covered < months_expected AS lacks_months
    FROM asked
),
waiting AS (
    SELECT provider_code FROM submissions
    WHERE collection = target_collection() AND period = target_period() AND state = 'held'
),
explained AS (
    SELECT
        *,
        CASE
            WHEN is_not_reported AND (value IS NULL OR NOT is_about_returns)
            THEN CASE
                WHEN rows_sent > 0 AND lacks_rows THEN 'ROWS_REJECTED'
                WHEN provider_code IN (SELECT h.provider_code FROM waiting AS h WHERE h.provider_code IS NOT NULL) THEN 'HELD'
                -- A national file speaks for nobody while none counts.
                WHEN EXISTS (SELECT 1 FROM waiting AS h WHERE h.provider_code IS NULL)
                    AND NOT EXISTS (
                        SELECT 1 FROM submissions AS o
                        WHERE o.is_current AND o.collection = target_collection() AND o.period = target_period()
                    )
                THEN 'HELD'
                WHEN EXISTS (SELECT 1 FROM submissions AS n WHERE n.collection = target_collection() AND n.provider_code IS NULL)
                THEN 'NOT_IN_FILE'
                ELSE 'NOT_REPORTED'
            END
            WHEN lacks_months AND window_rule = 'whole' THEN 'MONTHS_MISSING'
            WHEN lacks_rows AND (missing_rows = 'withhold' OR rows_used = 0) THEN 'ROWS_REJECTED'
            WHEN value IS NULL
            THEN CASE
                WHEN suppressed THEN 'SUPPRESSED'
                WHEN own_reason IS NOT NULL THEN own_reason
                WHEN lacks_rows THEN 'ROWS_REJECTED'
                WHEN EXISTS (SELECT 1 FROM parts_missing) AND numerator IS NULL THEN 'PART_MISSING'
                WHEN denominator <= 0 THEN 'NO_DENOMINATOR'
                ELSE 'NOT_ANSWERED'
            END
            WHEN lacks_months THEN 'PARTIAL_MONTHS'
            WHEN lacks_rows THEN 'PARTIAL_ROWS'
        END AS withheld
    FROM judged
)
SELECT
    metric_id,
    provider_code,
    -- Parts of a whole that is withheld would tell the part; parts of a value that does not exist stay.
    CASE WHEN withheld IS NULL OR withheld NOT IN ('MONTHS_MISSING', 'ROWS_REJECTED') THEN numerator END AS numerator,
    CASE WHEN withheld IS NULL OR withheld NOT IN ('MONTHS_MISSING', 'ROWS_REJECTED') THEN denominator END AS denominator,
    CASE WHEN withheld IS NULL OR withheld NOT IN ('MONTHS_MISSING', 'ROWS_REJECTED') THEN value END AS value,
    CASE WHEN withheld IS NULL THEN gbp_per_unit END AS gbp_per_unit,
    CASE
        -- What never came was not reported, whatever else its trust sent.
        WHEN withheld IN ('NOT_REPORTED', 'NOT_IN_FILE', 'HELD', 'NOT_ANSWERED', 'PART_MISSING', 'OTHER_RETURN_MISSING') THEN 'D'
        WHEN withheld = 'ROWS_REJECTED' AND rows_used = 0 THEN 'D'
        ELSE quality_flag
    END AS quality_flag,
    suppressed AND NOT coalesce(withheld IN ('MONTHS_MISSING', 'ROWS_REJECTED'), FALSE) AS suppressed,
    peer_group,
    is_sample,
    rows_sent,
    rows_used,
    months_covered,
    months_expected,
    CASE WHEN missing_rows = 'none' THEN 1.0 WHEN rows_sent > 0 THEN CAST(rows_used AS DOUBLE) / rows_sent ELSE 0.0 END
        * months_covered / months_expected AS completeness,
    withheld
FROM explained;
