-- What the desk may do besides reading: write decisions and verdicts, and add and withdraw events through two functions.

GRANT SELECT ON core.inputs TO steward_desk;
GRANT SELECT ON core.decision_kind, core.decision_possible, core.decision_move, core.rule_limit, core.decision, core.verdict TO steward_desk;
-- The desk adds decisions and verdicts; who needs a second person and the key are not for it to say.
GRANT INSERT (kind, author, submission_id, rule_id, column_name, provider_code, cells, new_value, value_source, until, assignee, undoes,
              reason, expected_release) ON core.decision TO steward_desk;
GRANT INSERT (decision_id, verdict, person, words) ON core.verdict TO steward_desk;

-- The desk adds and withdraws events through the two functions, and in no other way.
REVOKE ALL ON FUNCTION core.add_event(text, jsonb, text), core.withdraw_event(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.add_event(text, jsonb, text), core.withdraw_event(text, text, text) TO steward_desk;
GRANT SELECT ON core.event_kind TO steward_desk;
