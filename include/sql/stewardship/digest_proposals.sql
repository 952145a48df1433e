-- Decisions that await approval by somebody other than their author.
SELECT decision_id, kind, collection, period, sender, part, author, decided_at, reason
FROM intake.decisions
WHERE state = 'proposed' AND lower(btrim(author)) <> lower(%(name)s) AND collection = ANY(%(collections)s)
ORDER BY decision_id
