-- What the steward desk reads and writes: findings with the decisions about them, tasks, and the role of the desk.

-- A waiver passes over a cross finding as long as it stands as it stood.
CREATE VIEW core.cross_findings AS
SELECT md5(concat_ws('|', x.submission_id, x.rule_id, x.sheet, x.line, x.column_name, x.message)) AS finding_id,
       x.submission_id, x.rule_id, 'warn' AS severity, 'trust' AS responsible, x.sheet, x.line, x.column_name, x.raw_value, x.message,
       w.decision_id, 'cross' AS scope
FROM core.cross_finding x JOIN core.current_release r USING (release_id)
LEFT JOIN LATERAL (
  SELECT a.decision_id FROM core.applying a
  WHERE a.kind = 'waive' AND a.submission_id = x.submission_id AND a.rule_id = x.rule_id
    AND (jsonb_array_length(a.cells) = 0
         OR EXISTS (SELECT FROM jsonb_array_elements(a.cells) c WHERE c ->> 'message' = x.message))
  ORDER BY a.decision_id LIMIT 1) w ON true;

CREATE OR REPLACE VIEW intake.findings AS
SELECT md5(concat_ws('|', f.submission_id, f.rule_id, f.sheet, f.line, f.column_name, f.number)) AS finding_id,
       f.submission_id, f.rule_id, f.severity, f.responsible, f.sheet, f.line, f.column_name, f.raw_value, f.message, f.decision_id, f.scope
FROM core.finding f JOIN intake.validations v USING (submission_id, rules_version)
UNION ALL
-- Rules between periods, trusts and collections belong to the release that looked at both sides.
SELECT finding_id, submission_id, rule_id, severity, responsible, sheet, line, column_name, raw_value, message, decision_id, scope
FROM core.cross_findings
UNION ALL
-- SUB01, SUB02, SUB03 follow from the log of receipts.
SELECT md5(concat_ws('|', s.submission_id, 'SUB01')), s.submission_id, 'SUB01', 'info', 'trust', NULL, NULL, NULL, NULL,
       format('Received %s, after the deadline of %s. It counts in timeliness only: nothing to do.',
              to_char(s.received_at AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI'),
              to_char(e.due AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI')), NULL, 'submission'
FROM core.submission s JOIN core.expected e USING (collection, period, sender, part)
WHERE s.version = 1 AND s.received_at > e.due AND (e.closes IS NULL OR s.received_at <= e.closes)
UNION ALL
SELECT md5(concat_ws('|', s.submission_id, 'SUB02')), s.submission_id, 'SUB02', 'info', 'trust', NULL, NULL, NULL, NULL,
       format('Received %s, after the close of %s. It is in the next refresh, and in publications made after that.',
              to_char(s.received_at AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI'),
              to_char(e.closes AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI')), NULL, 'submission'
FROM core.submission s JOIN core.expected e USING (collection, period, sender, part) WHERE s.received_at > e.closes
UNION ALL
SELECT md5(concat_ws('|', r.submission_id, 'SUB03', r.inbox_key, r.etag)), r.submission_id, 'SUB03', 'warn', 'trust', NULL, NULL, NULL, NULL,
       format('%s holds the same bytes as %s, which had been received. It was given a receipt and changes nothing: send the file that was meant, if another was.',
              split_part(r.inbox_key, '/', 2), s.file_name), NULL, 'submission'
FROM core.receipt r JOIN core.submission s USING (submission_id) WHERE r.again;

CREATE OR REPLACE VIEW intake.submissions AS
SELECT s.submission_id, s.collection, s.period, s.sender, s.version, s.sha256,
       CASE WHEN v.outcome IS NULL THEN 'received'
            WHEN v.outcome = 'accepted' AND EXISTS (
              SELECT 1 FROM core.cross_findings x WHERE x.submission_id = s.submission_id AND x.decision_id IS NULL)
              THEN 'accepted_with_warnings'
            ELSE v.outcome END AS state,
       v.rows_read, v.rows_recorded, v.rows_rejected, v.rows_held, s.received_at,
       c.submission_id IS NOT NULL AS is_current, s.is_sample,
       s.part, s.file_name, v.layout, v.rows_set_aside, v.validated_at,
       coalesce(v.decisions, '{}') AS decisions,
       -- A file of no known period or sender follows no other one.
       NOT EXISTS (SELECT FROM core.submission o
                   WHERE (o.collection, o.period, o.sender, o.part) = (s.collection, s.period, s.sender, s.part)
                   AND o.version > s.version) AS is_newest,
       EXISTS (SELECT FROM intake.decisions d WHERE d.submission_id = s.submission_id AND d.kind = 'return' AND d.state = 'in_force') AS is_returned
FROM core.submission s
LEFT JOIN intake.validations v USING (submission_id)
LEFT JOIN core.counting c ON c.submission_id = s.submission_id;

-- What waits for somebody: findings of the newest version of a return, folded by rule and column.
CREATE VIEW intake.tasks AS
WITH newest AS (
  SELECT * FROM core.submission s WHERE NOT EXISTS (
    SELECT FROM core.submission o WHERE (o.collection, o.period, o.sender, o.part) = (s.collection, s.period, s.sender, s.part)
    AND o.version > s.version)),
folded AS (
  SELECT f.submission_id, f.rule_id, f.column_name, f.severity, f.responsible, count(*) AS findings,
         min(f.line) AS first_line, min(f.message) AS example
  FROM (
    SELECT f.submission_id, f.rule_id, f.severity, f.responsible, f.line, f.column_name, f.message
    FROM newest n JOIN intake.validations v USING (submission_id) JOIN core.finding f USING (submission_id, rules_version)
    WHERE f.severity IN ('hold', 'reject', 'warn') AND f.decision_id IS NULL
    UNION ALL
    SELECT x.submission_id, x.rule_id, x.severity, x.responsible, x.line, x.column_name, x.message
    FROM core.cross_findings x JOIN newest USING (submission_id) WHERE x.decision_id IS NULL) f
  GROUP BY 1, 2, 3, 4, 5)
SELECT md5(concat_ws('|', f.submission_id, f.rule_id, f.column_name)) AS task_id, f.submission_id, n.collection, n.period, n.sender, n.part, n.version,
       f.rule_id, f.column_name, f.severity, f.responsible, f.findings, f.first_line, f.example,
       v.outcome AS submission_state, n.received_at, e.due, e.closes, a.assignee, n.is_sample
FROM folded f JOIN newest n USING (submission_id) JOIN intake.validations v USING (submission_id)
LEFT JOIN core.expected e ON (e.collection, e.period, e.sender, e.part) = (n.collection, n.period, n.sender, n.part)
LEFT JOIN LATERAL (
  SELECT d.assignee FROM intake.decisions d
  WHERE d.submission_id = f.submission_id AND d.kind = 'assign' AND d.state = 'in_force'
    AND (d.rule_id IS NULL OR (d.rule_id = f.rule_id AND d.column_name IS NOT DISTINCT FROM f.column_name))
  ORDER BY d.decision_id DESC LIMIT 1) a ON true;

-- Returns that were made from the workbook that was sent back about an earlier version.
CREATE VIEW intake.answers AS SELECT submission_id, answers, found_at FROM core.answer;

-- Where every return that is asked for stands: the board.
CREATE VIEW intake.board AS
WITH chains AS (
  SELECT collection, period, sender, part FROM core.expected
  UNION SELECT collection, period, sender, part FROM core.submission WHERE period IS NOT NULL AND sender IS NOT NULL)
SELECT c.collection, c.period, c.sender, c.part, e.due, e.closes, n.submission_id, n.version, n.received_at, n.is_sample,
       k.submission_id AS counting,
       CASE WHEN n.submission_id IS NOT NULL THEN n.state
            WHEN e.closes < now() THEN 'missing'
            WHEN e.due < now() THEN 'late'
            WHEN e.due < now() + interval '10 days' THEN 'due'
            ELSE 'not_due' END AS state
FROM chains c
LEFT JOIN core.expected e USING (collection, period, sender, part)
LEFT JOIN (
  SELECT DISTINCT ON (s.collection, s.period, s.sender, s.part) s.* FROM intake.submissions s
  ORDER BY s.collection, s.period, s.sender, s.part, s.version DESC) n USING (collection, period, sender, part)
LEFT JOIN core.counting k USING (collection, period, sender, part);

-- What the figures of each collection and period rest on: every validated submission, whether it counts, and who was expected.
CREATE VIEW core.inputs AS
SELECT collection, period, bool_or(counts) AS counts, md5(string_agg(fact, ',' ORDER BY fact)) AS hash FROM (
  SELECT s.collection, s.period, c.submission_id IS NOT NULL AS counts,
         concat_ws('|', s.submission_id, s.version, v.outcome, c.submission_id IS NOT NULL, extract(epoch FROM s.received_at),
                   s.is_sample, v.records_sha256,
                   (SELECT string_agg(d.decision_key, ',' ORDER BY d.decision_key) FROM core.decision d
                    WHERE d.decision_id = ANY(v.decisions))) AS fact
  FROM core.submission s JOIN intake.validations v USING (submission_id)
  LEFT JOIN core.counting c ON c.submission_id = s.submission_id AND c.rules_version = v.rules_version
  WHERE s.period IS NOT NULL AND s.sender IS NOT NULL
  UNION ALL
  SELECT collection, period, false, concat_ws('|', sender, part, extract(epoch FROM due)) FROM core.expected) AS facts
GROUP BY 1, 2;

CREATE OR REPLACE VIEW published.measures AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.provider_name, m.numerator, m.denominator, m.value, m.unit,
       m.quality_flag, m.percentile_rank, m.peer_group, m.release_id, m.is_sample, m.decisions
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.measure m USING (release_id);

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'steward_desk') THEN CREATE ROLE steward_desk LOGIN; END IF;
END $$;
GRANT USAGE ON SCHEMA core, intake, published TO steward_desk;
GRANT SELECT ON ALL TABLES IN SCHEMA intake, published TO steward_desk;
GRANT SELECT ON ALL TABLES IN SCHEMA intake TO steward_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA intake GRANT SELECT ON TABLES TO steward_desk;
ALTER DEFAULT PRIVILEGES IN SCHEMA published GRANT SELECT ON TABLES TO steward_desk;
GRANT SELECT ON core.inputs TO steward_desk;
GRANT SELECT ON core.decision_kind, core.decision_possible, core.decision_move, core.rule_limit, core.decision, core.verdict TO steward_desk;
-- The desk adds decisions and verdicts; who needs a second person and the key are not for it to say.
GRANT INSERT (kind, author, submission_id, rule_id, column_name, provider_code, cells, new_value, value_source, until, assignee, undoes,
              reason, expected_release) ON core.decision TO steward_desk;
GRANT INSERT (decision_id, verdict, person, words) ON core.verdict TO steward_desk;
