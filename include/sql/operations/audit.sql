-- The first entry of the audit that does not fit, with why; no row where all of them do.
WITH noted AS (
  SELECT a.place, a.of_table, a.row_key, a.hash, lag(a.hash, 1, '') OVER (ORDER BY a.place) AS previous,
    row_number() OVER (ORDER BY a.place) AS number
  FROM core.audit a
)
SELECT n.place, coalesce(n.of_table, r.of_table) AS of_table, coalesce(n.row_key, r.row_key) AS row_key,
  CASE WHEN n.place IS NULL THEN 'it was put in without being noted'
    WHEN n.place <> n.number THEN 'the entry before it is gone'
    WHEN r.row_key IS NULL THEN 'its row is gone'
    ELSE 'its row is not as it was noted, or the entry before it was changed' END AS why
FROM noted n
FULL JOIN core.audited r ON (r.of_table, r.row_key) = (n.of_table, n.row_key)
WHERE n.place IS NULL OR r.row_key IS NULL OR n.place <> n.number OR n.hash <> core.audit_hash(n.previous, n.of_table, r.content)
ORDER BY n.place NULLS LAST, r.since
LIMIT 1;
