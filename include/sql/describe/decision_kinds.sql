-- ctid: in the order in which the migration has them, which is the order to read them in. Nothing else writes these tables.
SELECT kind, says, second_person FROM core.decision_kind ORDER BY ctid
