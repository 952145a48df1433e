-- A reply that stood in a workbook; none that the same return had before and that was decided on, or waits for an approver.
INSERT INTO core.reply (submission_id, kind, rule_id, sheet, line, column_name, raw_value, message, reason_code, new_value, note)
SELECT %(submission_id)s, %(kind)s, %(rule_id)s, %(sheet)s, %(line)s, %(column_name)s, %(raw_value)s, %(message)s, %(reason_code)s,
       %(new_value)s, %(note)s
WHERE NOT EXISTS (
  SELECT FROM intake.replies r JOIN core.submission s ON s.submission_id = %(submission_id)s
  WHERE (r.collection, r.period, r.sender, r.part) IS NOT DISTINCT FROM (s.collection, s.period, s.sender, s.part)
    AND (r.kind, r.rule_id, r.line, r.column_name, r.reason_code, r.new_value, r.note)
      IS NOT DISTINCT FROM (%(kind)s, %(rule_id)s, %(line)s::bigint, %(column_name)s, %(reason_code)s, %(new_value)s, %(note)s)
    AND r.state IN ('proposed', 'accepted', 'refused'))
RETURNING reply_id
