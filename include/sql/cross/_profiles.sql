-- PROF-*: whole columns and whole returns beside what the same sender sent before, and beside its peers in the same period. Run for every
-- collection. Reads profiles, past and the tables of include/measures/profiles.py; thresholds and their reasons are in
-- validation/profile.toml and the collection's own.
WITH setting AS (
    SELECT * FROM profile_settings
),
now AS (
    SELECT submission_id, sender, coalesce(part, '') AS part, version, provider_code, rows_read
    FROM submissions
    WHERE is_current AND collection = target_collection() AND period = target_period()
),
version_before AS (
    SELECT n.submission_id, arg_max(s.submission_id, s.version) AS before_id, max(s.version) AS version
    FROM now AS n
    JOIN submissions AS s ON s.sender = n.sender AND coalesce(s.part, '') = n.part AND s.version < n.version
    WHERE s.collection = target_collection() AND s.period = target_period() AND s.state <> 'held'
    GROUP BY n.submission_id
),
-- Columns of numbers beside the latest earlier period's.
pairs AS (
    SELECT
        p.submission_id,
        p.before_period,
        n.column_name,
        n.rows,
        n.lower_quartile,
        n.median,
        n.upper_quartile,
        b.lower_quartile AS lower_before,
        b.median AS median_before,
        b.upper_quartile AS upper_before,
        CASE WHEN b.median > 0 AND n.median > 0 THEN n.median / b.median END AS ratio
    FROM past AS p
    JOIN profiles AS n ON n.submission_id = p.submission_id
    JOIN profiles AS b ON b.submission_id = p.before_id AND b.column_name = n.column_name
    ANTI JOIN profile_skipped AS k ON k.column_name = n.column_name
    WHERE p.age = 1 AND n.median IS NOT NULL AND b.median IS NOT NULL
),
-- Whether a column's median was steady in all periods before.
steady AS (
    SELECT
        p.submission_id,
        b.column_name,
        count(*) AS periods,
        CASE WHEN min(b.median) > 0 THEN max(b.median) / min(b.median) END AS spread
    FROM past AS p
    JOIN profiles AS b ON b.submission_id = p.before_id AND b.median IS NOT NULL
    GROUP BY p.submission_id, b.column_name
),
peers_moved AS (
    SELECT column_name, count(ratio) AS peers, median(ratio) AS ratio FROM pairs GROUP BY column_name
),
off AS (
    SELECT p.*, f.factor, m.peers, m.ratio AS peers_ratio
    FROM pairs AS p
    CROSS JOIN setting AS s
    JOIN profile_factors AS f ON times_apart(p.ratio, f.factor) <= s.near_factor
    JOIN peers_moved AS m USING (column_name)
    LEFT JOIN steady AS t USING (submission_id, column_name)
    WHERE
        (p.rows >= s.min_rows OR (t.periods >= s.steady_periods AND t.spread <= s.steady_ratio))
        AND (p.lower_before = 0 OR p.lower_quartile = 0 OR times_apart(p.lower_quartile / p.lower_before, f.factor) <= s.near_factor * s.near_factor)
        AND (p.upper_before = 0 OR p.upper_quartile = 0 OR times_apart(p.upper_quartile / p.upper_before, f.factor) <= s.near_factor * s.near_factor)
        -- What happened to most trusts at once is a change in the world, or in the template.
        AND (m.peers < s.min_peers OR times_apart(m.ratio, f.factor) > s.near_factor)
),
-- The medians of trusts' own returns in this period; of a first return there is nothing else to compare with.
medians AS (
    SELECT n.submission_id, p.column_name, p.rows, p.median
    FROM now AS n
    JOIN profiles AS p USING (submission_id)
    ANTI JOIN profile_skipped AS k ON k.column_name = p.column_name
    WHERE n.provider_code IS NOT NULL AND p.median > 0
),
around AS (
    SELECT column_name, count(*) - 1 AS peers, max(median, 2) AS highest, min(median, 2) AS lowest
    FROM medians
    GROUP BY column_name
),
far AS (
    SELECT
        m.*,
        a.peers,
        CASE WHEN m.median = a.highest[1] THEN a.highest[2] ELSE a.highest[1] END AS highest,
        CASE WHEN m.median = a.lowest[1] THEN a.lowest[2] ELSE a.lowest[1] END AS lowest
    FROM medians AS m
    JOIN around AS a USING (column_name)
    ANTI JOIN past AS p USING (submission_id)
),
-- Two columns that changed places: of numbers by their quartiles, of codes by what stands in them.
swapped AS (
    SELECT a.submission_id, a.before_period, a.column_name, b.column_name AS other, say(a.median, 2) AS is_now, say(a.median_before, 2) AS was
    FROM pairs AS a
    CROSS JOIN setting AS s
    JOIN pairs AS b ON b.submission_id = a.submission_id AND b.column_name > a.column_name
    WHERE
        times_apart(a.median, b.median_before) <= s.swap_near
        AND times_apart(b.median, a.median_before) <= s.swap_near
        AND times_apart(a.lower_quartile, b.lower_before) <= s.swap_near * s.swap_near
        AND times_apart(b.lower_quartile, a.lower_before) <= s.swap_near * s.swap_near
        AND times_apart(a.upper_quartile, b.upper_before) <= s.swap_near * s.swap_near
        AND times_apart(b.upper_quartile, a.upper_before) <= s.swap_near * s.swap_near
        AND times_apart(a.median_before, b.median_before) >= s.swap_apart
),
codes AS (
    SELECT p.submission_id, p.before_period, n.column_name, n.sketch, n.patterns, b.sketch AS sketch_before, b.patterns AS patterns_before
    FROM past AS p
    JOIN profiles AS n ON n.submission_id = p.submission_id
    JOIN profiles AS b ON b.submission_id = p.before_id AND b.column_name = n.column_name
    WHERE p.age = 1 AND n.patterns IS NOT NULL AND len(n.sketch) > 0 AND len(b.sketch) > 0
),
swapped_codes AS (
    SELECT a.submission_id, a.before_period, a.column_name, b.column_name AS other, a.patterns AS is_now, a.patterns_before AS was
    FROM codes AS a
    CROSS JOIN setting AS s
    JOIN codes AS b ON b.submission_id = a.submission_id AND b.column_name > a.column_name
    WHERE
        sketch_shared(a.sketch, b.sketch_before) >= s.swap_codes
        AND sketch_shared(b.sketch, a.sketch_before) >= s.swap_codes
        AND sketch_shared(a.sketch, a.sketch_before) < s.shared_least
        AND sketch_shared(b.sketch, b.sketch_before) < s.shared_least
),
-- Rows by key, of the sketched keys.
told AS (
    SELECT k.submission_id, unnest(k.sketch) AS key, unnest(r.sketch) AS says
    FROM profiles AS k
    JOIN profiles AS r USING (submission_id)
    WHERE k.column_name = '(keys)' AND r.column_name = '(rows)'
),
same AS (
    SELECT
        p.submission_id,
        p.before_id,
        p.before_period,
        p.rows_read,
        count(*) AS matched,
        count(*) FILTER (WHERE n.says = b.says) AS equal,
        (SELECT count(*) FROM told AS t WHERE t.submission_id = p.submission_id) AS sketched
    FROM past AS p
    JOIN told AS n ON n.submission_id = p.submission_id
    JOIN told AS b ON b.submission_id = p.before_id AND b.key = n.key
    WHERE p.age <= 3
    GROUP BY ALL
),
-- Where most rows stay as they are from month to month, only a return without any change at all is a copy.
unchanged AS (
    SELECT p.submission_id, p.before_id
    FROM past AS p
    JOIN profiles AS n ON n.submission_id = p.submission_id
    JOIN profiles AS b ON b.submission_id = p.before_id AND b.column_name = n.column_name
    WHERE p.age <= 3
    GROUP BY ALL
    HAVING
        bool_and(n.rows = b.rows AND n.filled IS NOT DISTINCT FROM b.filled AND n.distinct_values IS NOT DISTINCT FROM b.distinct_values)
        AND bool_and(n.total IS NULL OR abs(n.total - b.total) <= 1e-9 * abs(b.total))
        AND bool_and(n.median IS NOT DISTINCT FROM b.median AND n.upper_quartile IS NOT DISTINCT FROM b.upper_quartile)
        AND bool_and(n.sketch IS NOT DISTINCT FROM b.sketch)
),
copies AS (
    SELECT c.*
    FROM same AS c
    CROSS JOIN setting AS s
    WHERE
        (c.equal >= s.same_rows * c.matched AND c.matched >= least(s.same_least, c.sketched) AND 2 * c.matched >= c.sketched)
        OR (s.same_rows > 1 AND (c.submission_id, c.before_id) IN (SELECT (u.submission_id, u.before_id) FROM unchanged AS u))
    QUALIFY row_number() OVER (PARTITION BY c.submission_id ORDER BY c.before_period DESC) = 1
),
others AS (
    SELECT v.submission_id, v.before_id, 'version ' || v.version AS against FROM version_before AS v
    UNION ALL
    SELECT p.submission_id, p.before_id, p.before_period FROM past AS p WHERE p.age = 1
),
strangers AS (
    SELECT o.submission_id, o.against, sketch_shared(n.sketch, b.sketch) AS shared, len(n.sketch) AS many, len(b.sketch) AS many_before
    FROM others AS o
    CROSS JOIN setting AS s
    JOIN profiles AS n ON n.submission_id = o.submission_id AND n.column_name = '(about)'
    JOIN profiles AS b ON b.submission_id = o.before_id AND b.column_name = '(about)'
    WHERE
        s.shared_least > 0
        AND len(n.sketch) >= s.shared_of
        AND len(b.sketch) >= s.shared_of
        AND sketch_shared(n.sketch, b.sketch) <= s.shared_least
    QUALIFY row_number() OVER (PARTITION BY o.submission_id ORDER BY o.against DESC) = 1
),
-- Where the whole file has lost rows, that is said once.
thinned AS (
    SELECT p.submission_id FROM past AS p CROSS JOIN setting AS s WHERE p.age = 1 AND p.rows_read <= s.fewer * p.rows_before
)
SELECT
    'PROF-UNIT' AS rule_id,
    submission_id,
    CAST(NULL AS VARCHAR) AS provider_code,
    CAST(NULL AS VARCHAR) AS sheet,
    CAST(NULL AS BIGINT) AS line,
    column_name,
    CAST(NULL AS VARCHAR) AS raw_value,
    format(
        'Half of {} is {} or more, and was {} for {}: the whole column is about {}{}. Expected the unit of the template, as before. '
        || 'Correct the column (pounds, not thousands or pence; the period, not another span), or confirm it with a reason.',
        column_name, say(median, 2), say(median_before, 2), before_period,
        CASE WHEN factor > 1 THEN format('{:.0f} times', factor) ELSE format('a {:.0f}th', 1 / factor) END,
        CASE WHEN peers >= (SELECT s.min_peers FROM setting AS s) THEN format(' while those of {} others stayed', peers - 1) ELSE '' END
    ) AS message
FROM off
QUALIFY row_number() OVER (PARTITION BY submission_id, column_name ORDER BY times_apart(ratio, factor)) = 1
UNION ALL
SELECT
    'PROF-UNIT', f.submission_id, NULL, NULL, NULL, f.column_name, NULL,
    format(
        'Half of {} is {} or more; with {} other trusts it is {} to {}. Expected a value like theirs in the unit of the template. '
        || 'Correct the column (pounds, not thousands or pence; the period, not another span), or confirm it with a reason.',
        f.column_name, say(f.median, 2), f.peers, say(f.lowest, 2), say(f.highest, 2)
    )
FROM far AS f
CROSS JOIN setting AS s
WHERE f.rows >= s.min_rows AND f.peers >= s.min_peers AND (f.median >= s.peer_ratio * f.highest OR f.median * s.peer_ratio <= f.lowest)
UNION ALL
SELECT
    'PROF-SWAP', submission_id, NULL, NULL, NULL, column_name, NULL,
    format(
        '{} looks as {} did for {}, and the other way round ({}, where it was {}). Expected each column under its own heading. '
        || 'Correct the two columns, or confirm them with a reason.',
        column_name, other, before_period, is_now, was
    )
FROM (SELECT * FROM swapped UNION ALL SELECT * FROM swapped_codes)
UNION ALL
SELECT
    'PROF-FEWER', p.submission_id, NULL, NULL, NULL, NULL, NULL,
    format(
        'The return has {} rows, and had {} for {}. Expected more than half of that. Send the whole return, or confirm that it is complete.',
        p.rows_read, p.rows_before, p.before_period
    )
FROM past AS p
SEMI JOIN thinned USING (submission_id)
WHERE p.age = 1
UNION ALL
SELECT
    'PROF-FEWER', p.submission_id, NULL, NULL, NULL, 'ods_code', NULL,
    format(
        'The file is about {} organisations, and was about {} for {}. Expected more than half of them. '
        || 'Send the whole file, or confirm that it is complete.',
        n.distinct_values, b.distinct_values, p.before_period
    )
FROM past AS p
CROSS JOIN setting AS s
JOIN profiles AS n ON n.submission_id = p.submission_id AND n.column_name = 'ods_code'
JOIN profiles AS b ON b.submission_id = p.before_id AND b.column_name = 'ods_code'
ANTI JOIN thinned AS t ON t.submission_id = p.submission_id
WHERE p.age = 1 AND n.distinct_values <= s.fewer * b.distinct_values AND b.distinct_values >= s.fewer_of_trust
UNION ALL
SELECT
    'PROF-COPY', submission_id, NULL, NULL, NULL, NULL, NULL,
    format(
        'Of {} rows that were compared with the return for {}, {} say the same. Expected figures of this period. '
        || 'Send those, or confirm that nothing changed.',
        matched, before_period, equal
    )
FROM copies
UNION ALL
SELECT
    'PROF-OTHER', submission_id, NULL, NULL, NULL, NULL, NULL,
    format(
        'The return shares {:.0f} percent of what it is about (products, wards, sites) with {}. Expected most of it: '
        || 'this may be the extract of another group. Send the right one, or confirm this one with a reason.',
        100 * shared, against
    )
FROM strangers
