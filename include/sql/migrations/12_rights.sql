-- What the desk may do besides reading: write decisions and verdicts, and add and withdraw events through two functions.

GRANT SELECT ON core.inputs TO steward_desk;
REVOKE ALL ON FUNCTION core.release_of(text, text, text), core.inputs_of(text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.release_of(text, text, text), core.inputs_of(text[], text[]) TO steward_desk;
GRANT SELECT ON core.decision_kind, core.decision_possible, core.decision_move, core.rule_limit, core.decision, core.verdict TO steward_desk;
-- The desk adds decisions and verdicts; who needs a second person and the key are not for it to say.
GRANT INSERT (kind, author, submission_id, rule_id, column_name, provider_code, cells, new_value, value_source, until, assignee, undoes,
              reason, expected_release, batch) ON core.decision TO steward_desk;
GRANT INSERT (decision_id, verdict, person, words) ON core.verdict TO steward_desk;

-- The desk adds and withdraws events through the two functions, and in no other way.
REVOKE ALL ON FUNCTION core.add_event(text, jsonb, text), core.withdraw_event(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.add_event(text, jsonb, text), core.withdraw_event(text, text, text) TO steward_desk;
GRANT SELECT ON core.event_kind TO steward_desk;

-- Deleting releases that were never published: only core.prune_releases has this role's rights.
GRANT USAGE ON SCHEMA core TO release_pruner;
GRANT SELECT ON core.current_release, core.release_log, core.edition_release, core.revision, core.release_verdict, core.preview, core.computed_again,
  core.decision TO release_pruner;
GRANT SELECT, DELETE ON core.release, core.release_check, core.explained, core.movement, core.release_total, core.release_input,
  core.release_metric, core.measure, core.benchmark, core.comparison, core.price_spread, core.price_position, core.price_list,
  core.cross_finding, core.kept_apart, core.series_rule, core.successor, core.peer_group, core.peer, core.peer_benchmark, core.funnel, core.value_interval, core.size_cost TO release_pruner;
GRANT EXECUTE ON FUNCTION pg_advisory_xact_lock(bigint) TO release_pruner;
GRANT release_pruner TO CURRENT_USER;
GRANT CREATE ON SCHEMA core TO release_pruner;
ALTER FUNCTION core.prune_releases(int) OWNER TO release_pruner;
GRANT EXECUTE ON FUNCTION core.prune_releases(int) TO CURRENT_USER;
REVOKE CREATE ON SCHEMA core FROM release_pruner;
REVOKE release_pruner FROM CURRENT_USER;
