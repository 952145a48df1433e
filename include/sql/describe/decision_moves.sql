SELECT moves_from, by_what, moves_to, who FROM core.decision_move ORDER BY ctid
