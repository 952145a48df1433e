-- What the role of the pipeline may do, all of it: applied anew by the owner each time the migrations have been run, so that a table
-- that is added without being named here can be read and not written. tests/sql/test_rights.py compares it with what the code writes.

REVOKE ALL ON SCHEMA core, intake, moment, published, published_v1, public FROM pipeline;
REVOKE ALL ON ALL TABLES IN SCHEMA core, intake, moment, published, published_v1, public FROM pipeline;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA core FROM pipeline;
GRANT USAGE ON SCHEMA core, intake, moment, published, published_v1, public TO pipeline;
GRANT SELECT ON ALL TABLES IN SCHEMA core, intake, moment, published, published_v1, public TO pipeline;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA core TO pipeline;  -- a backup notes where they stand
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA published TO pipeline;
GRANT EXECUTE ON FUNCTION core.release_of(text, text, text), core.inputs_of(text[], text[]) TO pipeline;
GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint), pg_try_advisory_lock(bigint), pg_advisory_unlock(bigint),
  pg_advisory_xact_lock(bigint), pg_advisory_xact_lock_shared(bigint), pg_try_advisory_xact_lock(bigint) TO pipeline;

-- Facts: added, and neither changed nor removed.
GRANT INSERT ON
  core.answer, core.calendar, core.collection, core.contact_preference, core.digest_sent, core.expected, core.expected_provider, core.finding, core.finding_count,
  core.found_again,
  core.identified_later, core.message, core.message_attempt, core.not_dated, core.profile, core.provider_rows, core.receipt, core.reference_version, core.reply, core.reply_not_read, core.revalidation,
  core.rules_in_force, core.sent_for_another, core.source_file, core.source_look, core.submission, core.validation,
  core.benchmark, core.comparison, core.computed_again, core.cross_finding, core.edition, core.edition_release, core.edition_switch,
  core.explained, core.funnel, core.kept_apart, core.measure, core.movement, core.peer, core.peer_benchmark, core.peer_group, core.preview,
  core.preview_close, core.preview_extension, core.preview_trust,
  core.price_list, core.price_position, core.price_spread, core.release, core.release_check, core.release_input, core.release_metric,
  core.release_total, core.release_verdict, core.revision, core.series_rule, core.size_cost, core.successor, core.value_interval
TO pipeline;
-- A preview decides in a transaction that is rolled back; the triggers only_tried refuse one that is not.
GRANT INSERT (kind, author, submission_id, rule_id, column_name, provider_code, cells, new_value, value_source, until, assignee, undoes,
              reason, expected_release, batch) ON core.decision TO pipeline;
GRANT INSERT (decision_id, verdict, person, words) ON core.verdict TO pipeline;

-- Pointers move. Triggers log each move, and let a release's pointer move only with an edition.
GRANT INSERT, UPDATE, DELETE ON core.counting, core.current_release TO pipeline;
-- What waits to be sent: triggers add and remove it, and a message may have to wait for another day.
GRANT UPDATE (next_at) ON core.message_waiting TO pipeline;

-- Replaced as a whole; core.history keeps what was replaced, and nobody but its triggers writes that.
GRANT INSERT, DELETE ON
  core.board_coverage, core.cohort, core.contradiction, core.holiday, core.metric, core.plan_outcome, core.programme_event, core.provider,
  core.provider_name, core.reason, core.recommendation, core.recurring_event, core.succession, core.timeline
TO pipeline;
GRANT UPDATE (title, frequency, kind) ON core.collection TO pipeline;
GRANT UPDATE (loaded_at) ON core.reference_version TO pipeline;

-- Computed from the others at any time.
GRANT INSERT, UPDATE, DELETE ON core.fingerprint TO pipeline;
GRANT DELETE ON core.fingerprint_change TO pipeline;

-- So that statistics are fresh after a release: ANALYZE.
GRANT MAINTAIN ON core.release, core.measure, core.series_rule, core.peer_group, core.peer TO pipeline;

DO $$
BEGIN
  EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO pipeline', current_database());
END $$;
