-- One page of a submission's findings that fit the filters ('' for any), the worst first, then in file order.
SELECT * FROM intake.findings
WHERE submission_id = %(submission_id)s
  AND (%(rule)s::text = '' OR rule_id = %(rule)s)
  AND (%(column)s::text = '' OR column_name = %(column)s)
  AND (%(severity)s::text = '' OR severity = %(severity)s)
ORDER BY array_position(ARRAY['hold', 'reject', 'warn', 'info'], severity), sheet, line, column_name, rule_id, message
LIMIT %(size)s OFFSET %(offset)s
