-- Answers of trusts by their numbers, in the order in which decisions on them keep nobody waiting.
SELECT reply_id, submission_id, collection, period, sender, kind, rule_id, sheet, line, column_name, message, reason_code, new_value, note,
       replied_at, came_by, finding_id, state
FROM intake.replies WHERE reply_id = ANY(%(reply_ids)s) ORDER BY submission_id, reply_id
