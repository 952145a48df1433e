-- Every decision on a submission, and those on earlier versions under which it was validated, newest first.
SELECT decision_id, kind, author, decided_at, rule_id, column_name, jsonb_array_length(cells) AS cells, new_value, until, assignee,
       undoes, reason, state, verdict, verdict_by, verdict_at, verdict_words, submission_id
FROM intake.decisions
WHERE submission_id = %(submission_id)s OR decision_id = ANY(%(decisions)s)
ORDER BY decision_id DESC
