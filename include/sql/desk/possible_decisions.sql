-- The kinds of decision that people can make on a submission in a state.
SELECT k.kind, k.says, k.second_person
FROM core.decision_possible p JOIN core.decision_kind k USING (kind)
WHERE p.submission_state = %(state)s
ORDER BY array_position(ARRAY['accept', 'return', 'hold'], k.kind), k.kind
