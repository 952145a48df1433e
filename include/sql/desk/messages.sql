-- Messages to people of the trust about a submission, about decisions on it, and reminders about its return, newest first.
SELECT m.made_at, m.kind, m.mail, m.name, m.subject, m.state, m.attempts, m.last_attempt_at, m.said, m.next_at
FROM intake.messages m
WHERE m.about = ANY(%(about)s)
ORDER BY m.message_key DESC LIMIT 200
