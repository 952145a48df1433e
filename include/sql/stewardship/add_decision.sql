-- Appends a decision; triggers refuse what is not allowed.
INSERT INTO core.decision (
  kind, submission_id, reason, rule_id, column_name, provider_code, cells, new_value, value_source, until, assignee, undoes,
  expected_release, batch, author)
VALUES (
  %(kind)s, %(submission_id)s, %(reason)s, %(rule_id)s, %(column_name)s, %(provider_code)s, %(cells)s, %(new_value)s,
  %(value_source)s, %(until)s, %(assignee)s, %(undoes)s, %(expected_release)s, %(batch)s, %(author)s)
RETURNING decision_id
