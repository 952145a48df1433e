-- The answers of trusts that decisions were made of.
SELECT r.decision_id, r.reply_id, r.kind, r.reason_code, r.new_value, r.note, r.replied_at, r.came_by, r.sender
FROM intake.replies r WHERE r.decision_id = ANY(%(decision_ids)s)
