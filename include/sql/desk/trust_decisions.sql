-- What was decided and noted about a trust's returns, newest first.
SELECT decision_id, kind, author, decided_at, submission_id, collection, period, version, rule_id, reason, state
FROM intake.decisions WHERE sender = %(provider)s AND kind <> 'assign'
ORDER BY decision_id DESC LIMIT 30
