-- PROF-*: national files, provider by provider, as _profiles does it for whole files. Run where one of the tables provider_counts,
-- provider_totals and provider_ratios is filled.
WITH setting AS (
    SELECT * FROM profile_settings
),
counts AS (
    SELECT n.provider_code, n.submission_id, n.rows, b.rows AS rows_before, b.period AS before_period
    FROM provider_counts AS n
    JOIN provider_counts AS b USING (provider_code)
    JOIN submissions AS t ON t.submission_id = n.submission_id
    JOIN submissions AS u ON u.submission_id = b.submission_id AND coalesce(u.part, '') = coalesce(t.part, '')
    ANTI JOIN breaks USING (provider_code)
    WHERE n.period = target_period() AND b.period = (SELECT max(c.period) FROM provider_counts AS c WHERE c.period < target_period())
),
-- Where the whole file has lost rows, that is said once.
thinned AS (
    SELECT p.submission_id FROM past AS p CROSS JOIN setting AS s WHERE p.age = 1 AND p.rows_read <= s.fewer * p.rows_before
),
totals AS (
    SELECT n.provider_code, n.submission_id, n.column_name, n.total, b.total AS total_before, b.period AS before_period, n.total / b.total AS ratio
    FROM provider_totals AS n
    JOIN provider_totals AS b USING (provider_code, column_name)
    ANTI JOIN breaks USING (provider_code)
    WHERE
        n.period = target_period()
        AND b.period = (SELECT max(c.period) FROM provider_totals AS c WHERE c.period < target_period())
        AND n.total > 0
        AND b.total > 0
),
totals_moved AS (
    SELECT column_name, count(*) AS peers, median(ratio) AS ratio FROM totals GROUP BY column_name
),
intensities AS (
    SELECT
        *,
        numerator / denominator AS ratio,
        median(numerator / denominator) OVER (PARTITION BY column_name, per) AS usual_ratio,
        count(*) OVER (PARTITION BY column_name, per) AS peers
    FROM provider_ratios
    WHERE numerator > 0 AND denominator > 0
)
SELECT
    'PROF-UNIT' AS rule_id,
    t.submission_id,
    t.provider_code,
    CAST(NULL AS VARCHAR) AS sheet,
    CAST(NULL AS BIGINT) AS line,
    t.column_name,
    CAST(NULL AS VARCHAR) AS raw_value,
    format(
        '{} of {} adds up to {}, and to {} in {}, while others stayed. Expected the unit of the template, as before. '
        || 'Correct the rows of {}, or confirm them with a reason.',
        t.column_name, t.provider_code, say(t.total, 2), say(t.total_before, 2), t.before_period, t.provider_code
    ) AS message
FROM totals AS t
CROSS JOIN setting AS s
JOIN profile_factors AS f ON times_apart(t.ratio, f.factor) <= s.near_factor
JOIN totals_moved AS m USING (column_name)
WHERE m.peers < s.min_peers OR times_apart(m.ratio, f.factor) > s.near_factor
QUALIFY row_number() OVER (PARTITION BY t.provider_code, t.column_name ORDER BY times_apart(t.ratio, f.factor)) = 1
UNION ALL
SELECT
    'PROF-UNIT', i.submission_id, i.provider_code, NULL, NULL, i.column_name, NULL,
    format(
        '{} of {} is {} for each of {} ({} of {}); half of {} providers have {} or more. Expected at least a {:.0f}th of that and at most '
        || '{:.0f} times. Correct the unit of one of the two, or confirm them with a reason.',
        i.column_name, i.provider_code, say(i.ratio, 4), i.per, say(i.numerator, 0), say(i.denominator, 0), i.peers, say(i.usual_ratio, 2),
        i.times_below, i.times_above
    )
FROM intensities AS i
CROSS JOIN setting AS s
WHERE
    i.times_below IS NOT NULL
    AND i.peers >= 4 * s.min_peers
    AND (i.ratio * i.times_below < i.usual_ratio OR i.ratio > i.times_above * i.usual_ratio)
UNION ALL
SELECT
    'PROF-RATIO', submission_id, provider_code, NULL, NULL, column_name, NULL,
    format(
        '{} has {} {} of {} {}, {} percent. Expected {}. Correct one of the two, or confirm them with a reason.',
        provider_code, say(numerator, 0), column_name, say(denominator, 0), per, say(100 * ratio, 2), usual
    )
FROM intensities
WHERE low IS NOT NULL AND NOT ratio BETWEEN low AND high * (1 + 1e-9)
UNION ALL
SELECT
    'PROF-FEWER', c.submission_id, c.provider_code, NULL, NULL, NULL, NULL,
    format(
        '{} has {} rows in the file, and had {} for {}. Expected more than half of that. Send its rows, or confirm that they are complete.',
        c.provider_code, c.rows, c.rows_before, c.before_period
    )
FROM counts AS c
CROSS JOIN setting AS s
ANTI JOIN thinned AS t ON t.submission_id = c.submission_id
WHERE c.rows <= s.fewer * c.rows_before AND c.rows_before >= s.fewer_of_trust
