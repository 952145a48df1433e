SELECT replace(submission_state, '_', ' '), string_agg(kind, ', ' ORDER BY ctid)
FROM core.decision_possible
GROUP BY submission_state
ORDER BY min(ctid)
