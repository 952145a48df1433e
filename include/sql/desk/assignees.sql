-- Everybody to whom something is assigned.
SELECT DISTINCT assignee FROM intake.decisions WHERE kind = 'assign' AND state = 'in_force' ORDER BY 1
