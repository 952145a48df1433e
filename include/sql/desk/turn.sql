-- Whose turn a submission is, and the returns before and after it among those that wait for us, nearest deadline first.
WITH turns AS MATERIALIZED (SELECT * FROM intake.turns WHERE submission_id IS NOT NULL),
ours AS (
  SELECT submission_id, lag(submission_id) OVER w AS previous, lead(submission_id) OVER w AS next
  FROM turns WHERE turn = 'us' WINDOW w AS (ORDER BY due NULLS LAST, received_at, submission_id))
SELECT t.turn, t.is_overdue, o.previous, o.next
FROM turns t LEFT JOIN ours o USING (submission_id) WHERE t.submission_id = %(submission_id)s
