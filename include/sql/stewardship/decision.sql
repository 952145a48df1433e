-- One decision as it stands now.
SELECT decision_id, kind, author, decided_at, submission_id, collection, period, sender, part, version, rule_id, column_name,
       provider_code, cells, new_value, value_source, until, assignee, undoes, reason, second_person, expected_release,
       verdict, verdict_by, verdict_at, verdict_words, undone_by, state, batch
FROM intake.decisions WHERE decision_id = %(decision_id)s
