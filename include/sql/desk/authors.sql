-- Everybody who made a decision.
SELECT DISTINCT author FROM intake.decisions ORDER BY 1
