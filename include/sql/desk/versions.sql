-- All versions of a return, newest first.
SELECT submission_id, version, state, received_at, file_name, is_current, is_returned, rows_read, rows_recorded, rows_rejected,
       rows_held
FROM intake.submissions
WHERE (collection, period, sender, part) IS NOT DISTINCT FROM
      (%(collection)s::text, %(period)s::text, %(sender)s::text, %(part)s::text)
ORDER BY version DESC
