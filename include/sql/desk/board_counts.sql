-- How many returns of each collection and period are in each state.
SELECT collection, period, state, count(*) AS returns, min(due) AS due, bool_or(is_sample) AS is_sample
FROM intake.board GROUP BY 1, 2, 3 ORDER BY collection, period DESC
