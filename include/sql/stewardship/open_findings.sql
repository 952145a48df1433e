-- The findings of a submission that no decision covers, of one rule, column or list of findings if these are given; or only those of
-- them that are not of the file alone.
SELECT sheet, line, column_name, raw_value, message
FROM intake.findings
WHERE submission_id = %(submission_id)s AND decision_id IS NULL AND severity <> 'info' AND (number IS NULL OR NOT %(only_other)s)
  AND (%(finding_ids)s::text[] IS NULL OR finding_id = ANY(%(finding_ids)s::text[]))
  AND (%(rule_id)s::text IS NULL OR rule_id = %(rule_id)s)
  AND (%(column_name)s::text IS NULL OR column_name = %(column_name)s)
ORDER BY sheet, line, column_name, message
