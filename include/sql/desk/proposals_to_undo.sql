-- Proposed decisions that would undo a decision.
SELECT decision_id FROM intake.decisions WHERE undoes = %(decision_id)s AND state = 'proposed'
