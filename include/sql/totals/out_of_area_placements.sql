-- Days and cost by sending provider against England's own row. A number that was written with six digits may be half a unit of the sixth
-- away from the true one; a suppressed one is withheld.
WITH figures AS (
  SELECT
    question,
    org_code = 'England' AS is_total,
    coalesce(value, rounded_value) AS figure,
    value_status = 'suppressed' AS is_withheld,
    CASE value_status WHEN 'six_digits' THEN 0.5 * pow(10, floor(log10(rounded_value)) - 5) ELSE 0 END AS half_a_unit
  FROM records
  WHERE org_type = 'sending_provider' AND breakdown = 'none' AND question IN ('days', 'cost_gbp')
)
SELECT
  question || ' by sending provider' AS subject,
  max(CASE WHEN is_total THEN figure END) AS published,
  sum(CASE WHEN NOT is_total THEN coalesce(figure, 0) ELSE 0 END) AS summed,
  sum(half_a_unit) + 1e-6 AS slack,
  count(*) FILTER (WHERE is_withheld AND NOT is_total) AS withheld
FROM figures
GROUP BY question
HAVING published IS NOT NULL
