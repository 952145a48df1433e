-- How many returns of each collection and period are in each state, and with whom.
SELECT collection, period, state, turn, count(*) AS returns, count(*) FILTER (WHERE is_overdue) AS overdue, min(due) AS due,
       min(closes) AS closes, bool_or(is_sample) AS is_sample
FROM intake.turns WHERE period IS NOT NULL AND sender IS NOT NULL
GROUP BY 1, 2, 3, 4 ORDER BY collection, period DESC
