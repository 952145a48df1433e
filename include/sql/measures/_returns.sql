-- Who is in this period's figures: one row a provider with the quality flag of its return, and whether samples feed it.
-- A national file speaks for the providers that it has rows about; one that must be in it and has no row that is used has flag D.
CREATE TEMP TABLE returns AS
WITH current_now AS (
    SELECT submission_id, provider_code, state, coalesce(on_time, TRUE) AS on_time
    FROM submissions
    WHERE is_current AND collection = target_collection() AND period = target_period()
),
spoken_for AS (
    SELECT provider_code, submission_id FROM current_now WHERE provider_code IS NOT NULL
    UNION
    SELECT DISTINCT r.provider_code, r.submission_id
    FROM records AS r
    SEMI JOIN (SELECT submission_id FROM current_now WHERE provider_code IS NULL) AS n USING (submission_id)
    WHERE r.provider_code IS NOT NULL AND r.body = 'provider'
),
-- A fault in a national file is that of the providers whose rows have it.
marked AS (
    SELECT DISTINCT provider_code, submission_id FROM provider_rows WHERE rows_warned > 0 OR rows_used < rows_sent
),
flags AS (
    SELECT
        s.provider_code,
        CASE
            WHEN bool_or(NOT c.on_time) THEN 'C'
            WHEN bool_or(m.submission_id IS NOT NULL OR (c.provider_code IS NOT NULL AND c.state = 'accepted_with_warnings')) THEN 'B'
            ELSE 'A'
        END AS quality_flag
    FROM spoken_for AS s
    JOIN current_now AS c USING (submission_id)
    LEFT JOIN marked AS m ON m.submission_id = s.submission_id AND m.provider_code = s.provider_code
    GROUP BY s.provider_code
),
everyone AS (
    SELECT provider_code FROM flags
    UNION
    SELECT e.sender
    FROM expected AS e
    JOIN providers AS p ON p.provider_code = e.sender
    WHERE e.collection = target_collection() AND e.period = target_period()
    UNION
    SELECT provider_code FROM expected_in_file WHERE collection = target_collection() AND period = target_period()
    UNION
    -- Sent, and no row of it could be used.
    SELECT r.provider_code
    FROM provider_rows AS r
    SEMI JOIN current_now AS c USING (submission_id)
    SEMI JOIN providers AS p USING (provider_code)
    UNION
    -- Of a trust that the reference data does not know, only the earlier files can say that it is missed.
    SELECT r.provider_code
    FROM provider_rows AS r
    JOIN submissions AS s USING (submission_id)
    WHERE
        r.provider_code IS NOT NULL
        AND r.provider_code NOT IN (SELECT provider_code FROM providers)
        AND r.rows_used > 0
        AND s.provider_code IS NULL
        AND s.is_current
        AND s.collection = target_collection()
        AND s.period < target_period()
        AND EXISTS (SELECT 1 FROM expected_in_file WHERE collection = target_collection() AND period = target_period())
),
samples AS (
    SELECT s.provider_code, bool_or(u.is_sample) AS is_sample
    FROM (
        SELECT provider_code, submission_id FROM spoken_for
        UNION
        SELECT provider_code, submission_id FROM submissions WHERE is_current AND provider_code IS NOT NULL
    ) AS s
    JOIN submissions AS u USING (submission_id)
    GROUP BY s.provider_code
)
SELECT
    e.provider_code,
    coalesce(f.quality_flag, 'D') AS quality_flag,
    coalesce('sector:' || p.sector, 'national') AS peer_group,
    -- A trust that sent nothing to a period of samples is missing from the sample, not from real life.
    coalesce(s.is_sample, (SELECT bool_or(is_sample) FROM submissions WHERE collection = target_collection()), FALSE)
        AS is_sample
FROM everyone AS e
LEFT JOIN flags AS f USING (provider_code)
LEFT JOIN providers AS p USING (provider_code)
LEFT JOIN samples AS s USING (provider_code);
