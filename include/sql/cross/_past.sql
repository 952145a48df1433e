-- What the same sender sent for earlier periods, the latest first. What a merger changed is not compared. Makes the table past, which
-- the files _profiles read.
CREATE TEMP TABLE past AS
WITH now AS (
    SELECT submission_id, sender, coalesce(part, '') AS part, provider_code, rows_read
    FROM submissions
    WHERE is_current AND collection = target_collection() AND period = target_period()
)
SELECT
    n.submission_id,
    s.submission_id AS before_id,
    s.period AS before_period,
    n.rows_read,
    s.rows_read AS rows_before,
    row_number() OVER (PARTITION BY n.submission_id ORDER BY s.period DESC) AS age
FROM now AS n
JOIN submissions AS s ON s.sender = n.sender AND coalesce(s.part, '') = n.part
WHERE
    s.is_current
    AND s.collection = target_collection()
    AND s.period < target_period()
    AND (n.provider_code IS NULL OR n.provider_code NOT IN (SELECT b.provider_code FROM breaks AS b));
