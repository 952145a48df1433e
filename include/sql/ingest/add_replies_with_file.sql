-- What a contact answered with a file before sending it, about the submission that the file is; once, however often it is received.
INSERT INTO core.reply (submission_id, contact_key, kind, rule_id, sheet, line, column_name, raw_value, message, reason_code, new_value, note)
SELECT s.submission_id, d.contact_key, a.kind, a.rule_id, a.sheet, a.line, a.column_name, a.raw_value, a.message, a.reason_code, a.new_value,
       a.note
FROM core.room_sending g JOIN core.room_draft d USING (draft_id) JOIN core.room_sending_reply a USING (draft_id)
JOIN core.submission s ON s.submission_id = %(submission_id)s AND (s.collection, s.sender) = (g.collection, g.sender)
WHERE g.inbox_key = %(inbox_key)s
  AND NOT EXISTS (
    SELECT FROM core.reply r WHERE r.submission_id = s.submission_id
    AND (r.contact_key, r.kind, r.rule_id, r.sheet, r.line, r.column_name, r.message, r.reason_code, r.new_value, r.note)
      IS NOT DISTINCT FROM (d.contact_key, a.kind, a.rule_id, a.sheet, a.line, a.column_name, a.message, a.reason_code, a.new_value, a.note))
ORDER BY a.number
