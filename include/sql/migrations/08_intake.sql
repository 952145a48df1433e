-- Views for operators and stewards, and the queries that the pipeline shares with them.

CREATE VIEW intake.decisions AS
SELECT d.decision_id, d.decision_key, d.kind, d.author, d.decided_at, d.submission_id,
       s.collection, s.period, s.sender, s.part, s.version,
       d.rule_id, d.column_name, d.provider_code, d.cells, d.new_value, d.value_source, d.until, d.assignee, d.undoes, d.reason,
       d.second_person, d.expected_release, v.verdict, v.person AS verdict_by, v.given_at AS verdict_at, v.words AS verdict_words,
       u.decision_id AS undone_by,
       CASE WHEN v.verdict = 'refuse' THEN 'refused'
            WHEN u.decision_id IS NOT NULL AND d.second_person AND v.verdict IS NULL THEN 'withdrawn'
            WHEN u.decision_id IS NOT NULL THEN 'undone'
            WHEN d.second_person AND v.verdict IS NULL THEN 'proposed'
            WHEN d.until < core.today() THEN 'ended'
            ELSE 'in_force' END AS state,
       d.batch
FROM core.decision d JOIN core.submission s USING (submission_id)
LEFT JOIN core.verdict v USING (decision_id)
LEFT JOIN LATERAL (
  SELECT u.decision_id FROM core.decision u LEFT JOIN core.verdict w ON w.decision_id = u.decision_id
  WHERE u.undoes = d.decision_id AND (NOT u.second_person OR w.verdict = 'approve') LIMIT 1) u ON true;
COMMENT ON VIEW intake.decisions IS 'What people decided about submissions and their findings, each with who, when, on what, why, and the value it saw.';
COMMENT ON COLUMN intake.decisions.decision_key IS 'Made of what was decided, so that a preview and the decision itself name the same release.';
COMMENT ON COLUMN intake.decisions.rule_id IS 'The rule that a waiver or correction is about; of an assignment: the task''s.';
COMMENT ON COLUMN intake.decisions.column_name IS 'The column that the task is about.';
COMMENT ON COLUMN intake.decisions.provider_code IS 'Whom it is about, where it is about one provider.';
COMMENT ON COLUMN intake.decisions.cells IS 'The cells it is about as they stood: sheet, line, row_key, column_name, saw, message.';
COMMENT ON COLUMN intake.decisions.new_value IS 'What a corrected cell is read as.';
COMMENT ON COLUMN intake.decisions.value_source IS 'Where that value is known from.';
COMMENT ON COLUMN intake.decisions.until IS 'The last day on which a waiver holds.';
COMMENT ON COLUMN intake.decisions.undoes IS 'The decision that this one undoes.';
COMMENT ON COLUMN intake.decisions.reason IS 'Why, in its author''s words.';
COMMENT ON COLUMN intake.decisions.second_person IS 'True where somebody else must approve it, because it changes published figures.';
COMMENT ON COLUMN intake.decisions.expected_release IS 'The release that the preview said would follow.';
COMMENT ON COLUMN intake.decisions.verdict IS 'approve or refuse; NULL while nobody has said.';
COMMENT ON COLUMN intake.decisions.verdict_by IS 'Who said so; never its author.';
COMMENT ON COLUMN intake.decisions.verdict_at IS 'When.';
COMMENT ON COLUMN intake.decisions.verdict_words IS 'What they added.';
COMMENT ON COLUMN intake.decisions.undone_by IS 'The decision that undid it.';
COMMENT ON COLUMN intake.decisions.state IS 'proposed (waits for a second person), in_force, refused, withdrawn, undone, or ended (its last day has passed).';
COMMENT ON COLUMN intake.decisions.batch IS 'Shared by decisions that were made together; NULL for a decision made alone.';

-- Which decisions bear on the validation of which submission: those on the submission itself, and waivers and corrections
-- of this version or an earlier one of the same return.
CREATE VIEW core.applying AS
SELECT d.submission_id, d.decision_id, d.decision_key, d.kind, d.rule_id, d.provider_code, d.cells, d.new_value, d.value_source, d.until,
       true AS made_here
FROM intake.decisions d WHERE d.state = 'in_force' AND d.kind IN ('accept', 'waive', 'correct', 'hold', 'return')
UNION ALL
SELECT s.submission_id, d.decision_id, d.decision_key, d.kind, d.rule_id, d.provider_code, d.cells, d.new_value, d.value_source, d.until, false
FROM intake.decisions d JOIN core.submission s USING (collection, period, sender, part)
WHERE d.state = 'in_force' AND d.kind IN ('waive', 'correct') AND s.version > d.version;

CREATE VIEW core.applying_sets AS
SELECT submission_id, array_agg(decision_id ORDER BY decision_id) AS decisions, array_agg(decision_key ORDER BY decision_key) AS keys
FROM core.applying GROUP BY submission_id;

-- The validation that holds for each submission: the newest under the decisions in force, or the newest of all until there is one.
CREATE VIEW intake.validations AS
SELECT DISTINCT ON (v.submission_id) v.*
FROM core.validation v LEFT JOIN core.applying_sets a USING (submission_id)
ORDER BY v.submission_id, (v.decisions = coalesce(a.decisions, '{}')) DESC, v.validated_at DESC, v.rules_version DESC;
COMMENT ON VIEW intake.validations IS 'The validation that holds for each submission: the last one under the decisions in force.';
COMMENT ON COLUMN intake.validations.outcome IS 'accepted, accepted_with_warnings or held.';
COMMENT ON COLUMN intake.validations.cells_expected IS 'Cells of required fields that were asked for.';
COMMENT ON COLUMN intake.validations.cells_valid IS 'Of these, those that hold a valid value.';
COMMENT ON COLUMN intake.validations.records_key IS 'The Parquet object with the accepted rows, by submission_id; its name ends with its SHA-256. NULL where the submission is held.';
COMMENT ON COLUMN intake.validations.records_sha256 IS 'SHA-256 of the accepted rows: as text, or, of 20,000 and more, of their object.';
COMMENT ON COLUMN intake.validations.records_bytes IS 'Size of that object in bytes.';
COMMENT ON COLUMN intake.validations.records_together IS 'How many submissions have their rows in that object.';
COMMENT ON COLUMN intake.validations.findings_key IS 'The Parquet object with all findings, where intake.findings lists only the first of them; NULL where it lists all.';
COMMENT ON COLUMN intake.validations.findings_sha256 IS 'SHA-256 of what these findings say.';
COMMENT ON COLUMN intake.validations.findings_bytes IS 'Size of that object in bytes.';
COMMENT ON COLUMN intake.validations.counts_hash IS 'Names the rows by provider and the cells that were counted; NULL: validated before they were kept.';
COMMENT ON COLUMN intake.validations.identified IS 'Whether the file can be seen to be the return that it was sent as, whatever is wrong in it; NULL: validated before it was kept.';
COMMENT ON COLUMN intake.validations.plain_outcome IS 'The outcome without any decision; NULL: validated before it was kept.';
COMMENT ON COLUMN intake.validations.plain_cells_expected IS 'Cells of required fields that were asked for, without any decision.';
COMMENT ON COLUMN intake.validations.plain_cells_valid IS 'Of these, those that hold a valid value, without any decision.';

-- What should count: of each return the newest version that stands accepted, a real one before a sample.
CREATE VIEW core.should_count AS
SELECT DISTINCT ON (s.collection, s.period, s.sender, s.part)
       s.collection, s.period, s.sender, s.part, s.submission_id, v.rules_version
FROM core.submission s JOIN intake.validations v USING (submission_id)
WHERE v.outcome <> 'held' AND s.period IS NOT NULL AND s.sender IS NOT NULL
ORDER BY s.collection, s.period, s.sender, s.part, s.is_sample, s.version DESC;

-- What the figures of some collections and periods rest on: every validated submission, whether it counts, what it was without
-- decisions, who was expected, and the trusts expected in files.
CREATE FUNCTION core.inputs_of(collections text[], periods text[])
RETURNS TABLE (collection text, period text, counts boolean, hash text) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  WITH asked AS (SELECT * FROM unnest($1, $2) AS a (collection, period))
  SELECT f.collection, f.period, bool_or(f.counts), md5(string_agg(f.fact, ',' ORDER BY f.fact)) FROM (
    SELECT s.collection, s.period, c.submission_id IS NOT NULL AS counts,
           concat_ws('|', s.submission_id, s.version, v.outcome, c.submission_id IS NOT NULL, extract(epoch FROM s.received_at),
                     s.is_sample, v.records_sha256,
                     (SELECT string_agg(d.decision_key, ',' ORDER BY d.decision_key) FROM core.decision d
                      WHERE d.decision_id = ANY(v.decisions)),
                     v.counts_hash, v.identified, v.plain_outcome, v.plain_cells_expected, v.plain_cells_valid) AS fact
    FROM asked JOIN core.submission s USING (collection, period)
    CROSS JOIN LATERAL (  -- as intake.validations has it
      SELECT v.* FROM core.validation v WHERE v.submission_id = s.submission_id
      ORDER BY (v.decisions = coalesce((SELECT a.decisions FROM core.applying_sets a WHERE a.submission_id = s.submission_id), '{}')) DESC,
               v.validated_at DESC, v.rules_version DESC LIMIT 1) v
    LEFT JOIN core.counting c ON c.submission_id = s.submission_id AND c.rules_version = v.rules_version
    WHERE s.sender IS NOT NULL
    UNION ALL
    SELECT e.collection, e.period, false, concat_ws('|', e.sender, e.part, extract(epoch FROM e.due))
    FROM asked JOIN core.expected e USING (collection, period)
    UNION ALL
    SELECT e.collection, e.period, false, 'in file|' || e.provider_code FROM asked JOIN core.expected_provider e USING (collection, period)) f
  GROUP BY f.collection, f.period
$$;

-- The same, stored, so that finding what is stale reads one row a collection and period. What is written puts the pair down in
-- core.fingerprint_change; core.store_fingerprints() computes those anew. Writers wait for nobody.
CREATE TABLE core.fingerprint (
  collection text NOT NULL, period text NOT NULL, counts boolean NOT NULL, hash text NOT NULL, stored_on date NOT NULL,
  PRIMARY KEY (collection, period));
CREATE TABLE core.fingerprint_change (
  change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, collection text NOT NULL, period text NOT NULL);

CREATE FUNCTION core.note_fingerprint_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_ARGV[0] = 'own' THEN
    INSERT INTO core.fingerprint_change (collection, period) SELECT DISTINCT r.collection, r.period FROM rows r WHERE r.period IS NOT NULL;
  ELSIF TG_ARGV[0] = 'submission' THEN
    INSERT INTO core.fingerprint_change (collection, period)
    SELECT DISTINCT s.collection, s.period FROM rows r JOIN core.submission s USING (submission_id) WHERE s.period IS NOT NULL;
  ELSE
    INSERT INTO core.fingerprint_change (collection, period)
    SELECT DISTINCT s.collection, s.period FROM rows r JOIN core.decision d USING (decision_id) JOIN core.submission s ON s.submission_id = d.submission_id
    WHERE s.period IS NOT NULL;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER fingerprint AFTER INSERT ON core.submission REFERENCING NEW TABLE AS rows
  FOR EACH STATEMENT EXECUTE FUNCTION core.note_fingerprint_change('own');
CREATE TRIGGER fingerprint AFTER INSERT ON core.expected REFERENCING NEW TABLE AS rows
  FOR EACH STATEMENT EXECUTE FUNCTION core.note_fingerprint_change('own');
CREATE TRIGGER fingerprint AFTER INSERT ON core.expected_provider REFERENCING NEW TABLE AS rows
  FOR EACH STATEMENT EXECUTE FUNCTION core.note_fingerprint_change('own');
CREATE TRIGGER fingerprint_new AFTER INSERT ON core.counting REFERENCING NEW TABLE AS rows
  FOR EACH STATEMENT EXECUTE FUNCTION core.note_fingerprint_change('own');
CREATE TRIGGER fingerprint_moved AFTER UPDATE ON core.counting REFERENCING NEW TABLE AS rows
  FOR EACH STATEMENT EXECUTE FUNCTION core.note_fingerprint_change('own');
CREATE TRIGGER fingerprint_gone AFTER DELETE ON core.counting REFERENCING OLD TABLE AS rows
  FOR EACH STATEMENT EXECUTE FUNCTION core.note_fingerprint_change('own');
CREATE TRIGGER fingerprint AFTER INSERT ON core.validation REFERENCING NEW TABLE AS rows
  FOR EACH STATEMENT EXECUTE FUNCTION core.note_fingerprint_change('submission');
-- Which validation holds follows from the decisions in force.
CREATE TRIGGER fingerprint AFTER INSERT ON core.decision REFERENCING NEW TABLE AS rows
  FOR EACH STATEMENT EXECUTE FUNCTION core.note_fingerprint_change('submission');
CREATE TRIGGER fingerprint AFTER INSERT ON core.verdict REFERENCING NEW TABLE AS rows
  FOR EACH STATEMENT EXECUTE FUNCTION core.note_fingerprint_change('decision');

-- Pairs whose stored row is not what stands: something was written, or a waiver came to its last day.
CREATE VIEW core.fingerprint_due AS
SELECT n.collection, n.period FROM core.fingerprint_change n
UNION
SELECT f.collection, f.period FROM core.decision d JOIN core.submission s USING (submission_id) JOIN core.fingerprint f USING (collection, period)
WHERE d.until >= f.stored_on AND d.until < core.today();

CREATE VIEW core.inputs AS
SELECT f.collection, f.period, f.counts, f.hash FROM core.fingerprint f
WHERE NOT EXISTS (SELECT FROM core.fingerprint_due d WHERE (d.collection, d.period) = (f.collection, f.period))
UNION ALL
SELECT i.collection, i.period, i.counts, i.hash
FROM (SELECT array_agg(d.collection) AS collections, array_agg(d.period) AS periods FROM core.fingerprint_due d HAVING count(*) > 0) o
CROSS JOIN LATERAL core.inputs_of(o.collections, o.periods) i;

-- One at a time, so that an earlier answer never takes the place of a later one.
CREATE FUNCTION core.store_fingerprints() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('fingerprints'));
  CREATE TEMP TABLE fingerprints_due ON COMMIT DROP AS SELECT d.collection, d.period FROM core.fingerprint_due d;
  -- Whatever is written from here on is put down again.
  DELETE FROM core.fingerprint_change n USING fingerprints_due d WHERE (n.collection, n.period) = (d.collection, d.period);
  INSERT INTO core.fingerprint AS f (collection, period, counts, hash, stored_on)
  SELECT i.collection, i.period, i.counts, i.hash, core.today()
  FROM (SELECT array_agg(d.collection) AS collections, array_agg(d.period) AS periods FROM fingerprints_due d) o
  CROSS JOIN LATERAL core.inputs_of(o.collections, o.periods) i
  ON CONFLICT (collection, period) DO UPDATE SET counts = excluded.counts, hash = excluded.hash, stored_on = excluded.stored_on;
  DROP TABLE fingerprints_due;
END $$;

-- What the rules in force concern: validated under others, and
-- held, where it would count if it were not; or counting, with a warning about a provider that is known by now; or asked for.
CREATE VIEW core.concerned AS
SELECT s.submission_id
FROM core.submission s JOIN intake.validations v USING (submission_id)
JOIN core.rules_now r ON r.collection = s.collection AND r.rules_version <> split_part(v.rules_version, '.', 1)
WHERE s.submission_id NOT IN (SELECT i.submission_id FROM core.identified_later i)
  AND (
    (v.outcome = 'held' AND NOT EXISTS (
       SELECT FROM core.counting c JOIN core.submission o ON o.submission_id = c.submission_id
       WHERE (c.collection, c.period, c.sender, c.part) = (s.collection, s.period, s.sender, s.part)
         AND (o.is_sample, -o.version) < (s.is_sample, -s.version)))
    OR (v.outcome = 'accepted_with_warnings' AND r.providers <> '{}'
       AND EXISTS (SELECT FROM core.counting c WHERE c.submission_id = s.submission_id)
       AND (EXISTS (SELECT FROM core.finding f WHERE f.submission_id = s.submission_id AND f.rules_version = v.rules_version
                    AND f.rule_id = 'STR04' AND f.severity = 'warn' AND f.responsible = 'us'
                    AND upper(btrim(f.raw_value)) = ANY(r.providers))
            OR EXISTS (SELECT FROM core.finding_count f WHERE f.submission_id = s.submission_id AND f.rules_version = v.rules_version
                       AND f.rule_id = 'STR04' AND f.severity = 'warn' AND f.responsible = 'us' AND f.listed < f.findings)))
    OR EXISTS (SELECT FROM core.revalidation q WHERE q.collection = s.collection AND q.asked_at > v.validated_at
               AND (q.period IS NULL OR q.period = s.period) AND (q.accepted_too OR v.outcome = 'held')))
  -- Done already, also by rules that were in force before and are again.
  AND NOT EXISTS (SELECT FROM core.validation o WHERE o.submission_id = s.submission_id AND o.decisions = v.decisions
                  AND split_part(o.rules_version, '.', 1) = r.rules_version)
  AND NOT EXISTS (SELECT FROM core.found_again o WHERE o.submission_id = s.submission_id AND o.same_as = v.rules_version
                  AND split_part(o.rules_version, '.', 1) = r.rules_version);

-- A waiver passes over a cross finding as long as it stands as it stood.
-- Findings between returns name the provider that they are about; NULL: all that the submission speaks for.
CREATE VIEW core.cross_findings AS
SELECT md5(concat_ws('|', x.submission_id, x.rule_id, x.sheet, x.line, x.column_name, x.message)) AS finding_id,
       x.submission_id, x.rule_id, 'warn' AS severity, 'trust' AS responsible, x.sheet, x.line, x.column_name, x.raw_value, x.message,
       w.decision_id, 'cross' AS scope, x.provider_code
FROM core.cross_finding x JOIN core.current_release r USING (release_key)
LEFT JOIN LATERAL (
  SELECT a.decision_id FROM core.applying a
  WHERE a.kind = 'waive' AND a.submission_id = x.submission_id AND a.rule_id = x.rule_id
    AND (jsonb_array_length(a.cells) = 0
         OR EXISTS (SELECT FROM jsonb_array_elements(a.cells) c WHERE c ->> 'message' = x.message))
  ORDER BY a.decision_id LIMIT 1) w ON true;

-- Findings that are not of the file alone. Rules between periods, trusts and collections belong to the release that looked at both sides.
CREATE VIEW core.other_findings AS
SELECT finding_id, submission_id, rule_id, severity, responsible, sheet, line, column_name, raw_value, message, decision_id, scope, provider_code
FROM core.cross_findings
UNION ALL
-- SUB01, SUB02, SUB03 follow from the log of receipts.
SELECT md5(concat_ws('|', s.submission_id, 'SUB01')), s.submission_id, 'SUB01', 'info', 'trust', NULL, NULL, NULL, NULL,
       format('Received %s, after the deadline of %s. It counts in timeliness only: nothing to do.',
              to_char(s.received_at AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI'),
              to_char(e.due AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI')), NULL, 'submission', NULL
FROM core.submission s JOIN core.expected e USING (collection, period, sender, part)
WHERE s.version = 1 AND s.received_at > e.due AND (e.closes IS NULL OR s.received_at <= e.closes)
UNION ALL
SELECT md5(concat_ws('|', s.submission_id, 'SUB02')), s.submission_id, 'SUB02', 'info', 'trust', NULL, NULL, NULL, NULL,
       format('Received %s, after the close of %s. It is in the next refresh, and in publications made after that.',
              to_char(s.received_at AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI'),
              to_char(e.closes AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI')), NULL, 'submission', NULL
FROM core.submission s JOIN core.expected e USING (collection, period, sender, part) WHERE s.received_at > e.closes
UNION ALL
SELECT md5(concat_ws('|', r.submission_id, 'SUB03', r.inbox_key, r.etag)), r.submission_id, 'SUB03', 'warn', 'trust', NULL, NULL, NULL, NULL,
       format('%s holds the same bytes as %s, which had been received. It was given a receipt and changes nothing: send the file that was meant, if another was.',
              regexp_replace(r.inbox_key, '^.*/', ''), s.file_name), NULL, 'submission', NULL
FROM core.receipt r JOIN core.submission s USING (submission_id) WHERE r.again;

CREATE VIEW intake.findings AS
SELECT md5(concat_ws('|', f.submission_id, f.rule_id, f.sheet, f.line, f.column_name, f.number)) AS finding_id,
       f.submission_id, f.rule_id, f.severity, f.responsible, f.sheet, f.line, f.column_name, f.raw_value, f.message, f.decision_id, f.scope,
       NULL::text AS provider_code, f.number
FROM core.finding f JOIN intake.validations v USING (submission_id, rules_version)
UNION ALL
SELECT o.finding_id, o.submission_id, o.rule_id, o.severity, o.responsible, o.sheet, o.line, o.column_name, o.raw_value, o.message, o.decision_id, o.scope,
       o.provider_code, NULL
FROM core.other_findings o;
COMMENT ON VIEW intake.findings IS 'Rules broken, place by place: by the last validation, by comparison with other returns, and by the log of receipts. Of a file with many findings the first of each rule and column are listed; intake.finding_counts counts all.';
COMMENT ON COLUMN intake.findings.finding_id IS 'The finding: the same fault at the same place keeps it.';
COMMENT ON COLUMN intake.findings.scope IS 'cell, row, submission (the whole file) or cross (against other returns).';
COMMENT ON COLUMN intake.findings.provider_code IS 'The provider that a finding against other returns is about; NULL where it is about all that the submission speaks for, and for other findings.';
COMMENT ON COLUMN intake.findings.number IS 'Its place among all findings of the file; NULL for findings against other returns and of the log of receipts.';

CREATE VIEW intake.finding_counts AS
SELECT f.submission_id, f.rule_id, f.severity, f.responsible, f.column_name, sum(f.findings)::bigint AS findings,
       coalesce(sum(f.findings) FILTER (WHERE f.decision_id IS NOT NULL), 0)::bigint AS covered, sum(f.listed)::bigint AS listed
FROM core.finding_count f JOIN intake.validations v USING (submission_id, rules_version)
GROUP BY f.submission_id, f.rule_id, f.severity, f.responsible, f.column_name
UNION ALL
SELECT o.submission_id, o.rule_id, o.severity, o.responsible, o.column_name, count(*), count(o.decision_id), count(*)
FROM core.other_findings o GROUP BY o.submission_id, o.rule_id, o.severity, o.responsible, o.column_name;
COMMENT ON VIEW intake.finding_counts IS 'How many findings each submission has by rule and column: all of them, also where intake.findings lists only the first.';
COMMENT ON COLUMN intake.finding_counts.column_name IS 'The heading as sent; ''(further columns)'' counts columns together of which no finding is listed.';
COMMENT ON COLUMN intake.finding_counts.findings IS 'How many there are.';
COMMENT ON COLUMN intake.finding_counts.covered IS 'Of these, those that a decision passes over.';
COMMENT ON COLUMN intake.finding_counts.listed IS 'Of these, those that intake.findings lists.';

-- What waits for the pipeline: never validated, not yet under the decisions in force, the pointer is not where it should be,
-- or the rules in force concern it. Not what has become another submission.
CREATE VIEW intake.waiting AS
SELECT s.* FROM core.submission s
LEFT JOIN intake.validations v USING (submission_id)
LEFT JOIN core.applying_sets a USING (submission_id)
LEFT JOIN core.should_count n USING (submission_id)
LEFT JOIN core.counting c USING (submission_id)
WHERE (v.submission_id IS NULL OR v.decisions <> coalesce(a.decisions, '{}')
       OR n.rules_version IS DISTINCT FROM c.rules_version
       OR s.submission_id IN (SELECT k.submission_id FROM core.concerned k))
  AND s.submission_id NOT IN (SELECT i.submission_id FROM core.identified_later i);
COMMENT ON VIEW intake.waiting IS 'Submissions that the pipeline has work with: not validated yet, or not under the decisions in force.';
COMMENT ON COLUMN intake.waiting.bytes IS 'Size of the file in bytes.';
COMMENT ON COLUMN intake.waiting.registered_at IS 'When the file was entered in the log.';

CREATE VIEW intake.submissions AS
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
       -- What has become another submission is not the newest of anything.
       i.became IS NULL AND NOT EXISTS (SELECT FROM core.submission o
                   WHERE (o.collection, o.period, o.sender, o.part) = (s.collection, s.period, s.sender, s.part)
                   AND o.version > s.version) AS is_newest,
       EXISTS (SELECT FROM intake.decisions d WHERE d.submission_id = s.submission_id AND d.kind = 'return' AND d.state = 'in_force') AS is_returned,
       i.became
FROM core.submission s
LEFT JOIN intake.validations v USING (submission_id)
LEFT JOIN core.counting c ON c.submission_id = s.submission_id
LEFT JOIN core.identified_later i ON i.submission_id = s.submission_id;
COMMENT ON VIEW intake.submissions IS 'Everything that was received, with what became of it. For operators and stewards.';
COMMENT ON COLUMN intake.submissions.state IS 'received (not validated yet), accepted, accepted_with_warnings or held.';
COMMENT ON COLUMN intake.submissions.is_newest IS 'True where no later version of the same return has come.';
COMMENT ON COLUMN intake.submissions.is_returned IS 'True where a steward has sent it back to the trust.';
COMMENT ON COLUMN intake.submissions.became IS 'The submission that the file is since new rules could see what it is about; NULL where it is what it was received as.';

CREATE VIEW intake.receipts AS
SELECT r.inbox_key, r.etag, r.submission_id, r.received_at, r.again FROM core.receipt r;
COMMENT ON VIEW intake.receipts IS 'Every object of the inbox that was looked at.';
COMMENT ON COLUMN intake.receipts.again IS 'True where the same bytes had been received before: a receipt, not a second submission.';

-- Returns that were made from the workbook that was sent back about an earlier version.
CREATE VIEW intake.answers AS SELECT submission_id, answers, found_at FROM core.answer;
COMMENT ON VIEW intake.answers IS 'Returns that were made from the workbook that was sent back about an earlier version of the same return.';
COMMENT ON COLUMN intake.answers.answers IS 'The submission that the workbook was about.';
COMMENT ON COLUMN intake.answers.found_at IS 'When that was noticed.';

CREATE VIEW intake.profiles AS
SELECT p.submission_id, p.column_name, p.rows, p.filled, p.filled::double precision / nullif(p.rows, 0) AS filled_share, p.distinct_values,
       p.minimum, p.lower_quartile, p.median, p.upper_quartile, p.maximum, p.total, p.patterns, p.recognised
FROM core.profile p JOIN intake.validations v USING (submission_id, rules_version) WHERE p.column_name NOT LIKE '(%';
COMMENT ON VIEW intake.profiles IS 'What each accepted submission looks like as a whole, a row a column. Releases compare it with earlier returns and with peers (rules PROF-*).';
COMMENT ON COLUMN intake.profiles.column_name IS 'Field of the collection.';
COMMENT ON COLUMN intake.profiles.rows IS 'Rows that were accepted.';
COMMENT ON COLUMN intake.profiles.filled IS 'Of these, rows in which the column is filled.';
COMMENT ON COLUMN intake.profiles.filled_share IS 'filled as a share of rows, 0 to 1.';
COMMENT ON COLUMN intake.profiles.distinct_values IS 'Different values (of up to 200,000 evenly spaced rows).';
COMMENT ON COLUMN intake.profiles.minimum IS 'Least value; NULL where the column holds no numbers.';
COMMENT ON COLUMN intake.profiles.lower_quartile IS 'A quarter of the values are this or less (a value that stands in the column).';
COMMENT ON COLUMN intake.profiles.median IS 'Half of the values are this or less (a value that stands in the column).';
COMMENT ON COLUMN intake.profiles.upper_quartile IS 'Three quarters of the values are this or less (a value that stands in the column).';
COMMENT ON COLUMN intake.profiles.maximum IS 'Largest value; NULL where the column holds no numbers.';
COMMENT ON COLUMN intake.profiles.total IS 'Sum of the values; NULL where the column holds no numbers.';
COMMENT ON COLUMN intake.profiles.patterns IS 'Most frequent forms of codes with their shares, as JSON: letters as A, digits as 9; NULL where the column holds no codes.';
COMMENT ON COLUMN intake.profiles.recognised IS 'Share of the filled cells that are a known provider, or have the check digit of their kind of code; NULL where neither is known.';

CREATE VIEW intake.revalidations AS
SELECT r.revalidation_id, r.collection, r.period, r.accepted_too, r.rules_version, r.person, r.reason, r.asked_at FROM core.revalidation r;
COMMENT ON VIEW intake.revalidations IS 'Who asked for returns to be validated again by newer rules, when and why. What new rules concern by themselves is not among them.';
COMMENT ON COLUMN intake.revalidations.revalidation_id IS 'The request.';
COMMENT ON COLUMN intake.revalidations.accepted_too IS 'True where accepted returns are meant too, false where only held ones are.';
COMMENT ON COLUMN intake.revalidations.rules_version IS 'The rules that were in force then.';
COMMENT ON COLUMN intake.revalidations.person IS 'Who asked.';
COMMENT ON COLUMN intake.revalidations.reason IS 'Why, in their words.';
COMMENT ON COLUMN intake.revalidations.asked_at IS 'When. What had been validated by other rules before is validated again.';

CREATE VIEW intake.digests AS
SELECT person, day, sent_at, new_items, open_items, mended_items, content_hash FROM core.digest_sent;
COMMENT ON VIEW intake.digests IS 'Which digests were sent to whom by mail, one a person and day at most.';
COMMENT ON COLUMN intake.digests.person IS 'The name that the person signs in with.';
COMMENT ON COLUMN intake.digests.day IS 'The day, in Europe/London.';
COMMENT ON COLUMN intake.digests.sent_at IS 'When it was sent.';
COMMENT ON COLUMN intake.digests.new_items IS 'Things that were new since the last one.';
COMMENT ON COLUMN intake.digests.open_items IS 'Things that were still open.';
COMMENT ON COLUMN intake.digests.mended_items IS 'Things that were no longer open.';
COMMENT ON COLUMN intake.digests.content_hash IS 'Hash of what it told.';

CREATE VIEW intake.editions AS
SELECT s.number, s.edition_id, s.previous_edition_id, s.switched_at, s.kind, s.releases, s.changed, s.person, s.reason FROM core.edition_switch s;
COMMENT ON VIEW intake.editions IS 'Every switch from one edition to the next, as published.editions, with who did it.';
COMMENT ON COLUMN intake.editions.number IS 'The number of the switch, from 1; the highest is the one that holds.';
COMMENT ON COLUMN intake.editions.edition_id IS 'The edition: made of its releases, so that the same set has the same name.';
COMMENT ON COLUMN intake.editions.previous_edition_id IS 'The edition before it; NULL at the first.';
COMMENT ON COLUMN intake.editions.switched_at IS 'When it became the current one.';
COMMENT ON COLUMN intake.editions.kind IS 'switch (what counts had changed) or rollback (a person went back to an earlier edition).';
COMMENT ON COLUMN intake.editions.releases IS 'How many releases it has.';
COMMENT ON COLUMN intake.editions.changed IS 'How many collections and periods have another release than in the edition before it.';
COMMENT ON COLUMN intake.editions.person IS 'Who did it; NULL where the pipeline did by itself.';
COMMENT ON COLUMN intake.editions.reason IS 'Why, in a person''s words where it was a person, and which collections moved.';

CREATE VIEW intake.movements AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.step, m.cause, m.value_before, m.value_after,
       m.value_after - m.value_before AS change, p.release_id AS previous_release_id, r.release_id, r.is_sample
FROM core.movement m JOIN core.release r USING (release_key) JOIN core.release p ON p.release_key = m.previous_release_key;
COMMENT ON VIEW intake.movements IS 'As published.movements, also of releases that were made and not published: why figures would move.';
COMMENT ON COLUMN intake.movements.step IS 'Its place: rules and reference data first, then what was sent, then what was decided.';
COMMENT ON COLUMN intake.movements.cause IS 'code or definition, reference data, rule change, late data, resubmission, acceptance, correction, waiver, withdrawn submission, submission log (only data quality metrics), or rollback (a person went back to an earlier edition).';
COMMENT ON COLUMN intake.movements.value_before IS 'The value before this step; NULL where there was none.';
COMMENT ON COLUMN intake.movements.value_after IS 'The value after it; NULL where there is none any more.';
COMMENT ON COLUMN intake.movements.change IS 'The difference; NULL where the value appeared or went away.';
COMMENT ON COLUMN intake.movements.previous_release_id IS 'The release that was current before.';

CREATE VIEW intake.release_checks AS
SELECT r.release_id, r.collection, r.period, o.release_id AS against, k.check_id, nullif(k.subject, '') AS subject, k.passed, k.message,
       k.checked_at
FROM core.release_check k JOIN core.release r USING (release_key) LEFT JOIN core.release o ON o.release_key = k.against_key;
COMMENT ON VIEW intake.release_checks IS 'What was found when a release was compared with the one that stood, before it could take its place. One that failed holds it back.';
COMMENT ON COLUMN intake.release_checks.against IS 'The release that stood then; NULL where none did.';
COMMENT ON COLUMN intake.release_checks.check_id IS 'The check: a file of include/sql/release_checks.';
COMMENT ON COLUMN intake.release_checks.subject IS 'The metric, peer group, list or total that it failed on; NULL where it passed.';
COMMENT ON COLUMN intake.release_checks.passed IS 'Whether the release may come, as far as this check goes.';
COMMENT ON COLUMN intake.release_checks.message IS 'What was found and what was expected; empty where it passed.';
COMMENT ON COLUMN intake.release_checks.checked_at IS 'When it was compared.';

CREATE VIEW intake.releases AS
SELECT r.release_id, r.collection, r.period, r.inputs_hash, r.reference_version, r.code_version, r.submissions, r.is_sample, r.created_at,
       c.release_key IS NOT NULL AS is_current, c.published_at,
       CASE WHEN c.release_key IS NOT NULL THEN 'current'
            WHEN v.verdict = 'withdrawn' THEN 'withdrawn'
            WHEN EXISTS (SELECT FROM core.release_log l WHERE (l.collection, l.period, l.release_key) = (r.collection, r.period, r.release_key)) THEN 'replaced'
            WHEN k.failed > 0 AND v.verdict IS NULL THEN 'held_back'
            WHEN EXISTS (SELECT FROM core.preview_now p WHERE p.release_key = r.release_key AND p.outcome IS NULL) THEN 'in_preview'
            ELSE 'made' END AS state,
       k.failed AS failed_checks, v.verdict, v.person AS verdict_by, v.given_at AS verdict_at, v.reason AS verdict_reason
FROM core.release r LEFT JOIN core.current_release c USING (release_key)
LEFT JOIN LATERAL (SELECT count(*) AS failed FROM core.release_check k WHERE k.release_key = r.release_key AND NOT k.passed) k ON true
LEFT JOIN LATERAL (
  SELECT v.verdict, v.person, v.given_at, v.reason FROM core.release_verdict v
  WHERE v.release_key = r.release_key ORDER BY v.verdict_id DESC LIMIT 1) v ON true;
COMMENT ON VIEW intake.releases IS 'Every release that was ever made, the current ones among them.';
COMMENT ON COLUMN intake.releases.inputs_hash IS 'Hash over everything that the release rests on.';
COMMENT ON COLUMN intake.releases.reference_version IS 'Hash over the reference data that was used.';
COMMENT ON COLUMN intake.releases.code_version IS 'Versions of the methods that computed it: the collection''s own and those that all share.';
COMMENT ON COLUMN intake.releases.submissions IS 'The submissions that it rests on.';
COMMENT ON COLUMN intake.releases.created_at IS 'When it was made.';
COMMENT ON COLUMN intake.releases.state IS 'current; replaced (it was published once); held_back (a check failed); withdrawn (a rollback left it, or a person holds it back); in_preview (its trusts see it before it is published); or made (it was not switched to yet).';
COMMENT ON COLUMN intake.releases.failed_checks IS 'How many checks failed on it, as intake.release_checks tells; those against an earlier release that stood are counted too.';
COMMENT ON COLUMN intake.releases.verdict IS 'What a person said last: released, withdrawn or offered (it may go its way, through its preview window); NULL where nobody has.';
COMMENT ON COLUMN intake.releases.verdict_by IS 'Who said so.';
COMMENT ON COLUMN intake.releases.verdict_at IS 'When.';
COMMENT ON COLUMN intake.releases.verdict_reason IS 'Why.';

-- What waits for somebody: findings of the newest version of a return, folded by rule and column.
CREATE VIEW intake.tasks AS
WITH newest AS (
  SELECT * FROM core.submission s WHERE NOT EXISTS (
    SELECT FROM core.submission o WHERE (o.collection, o.period, o.sender, o.part) = (s.collection, s.period, s.sender, s.part)
    AND o.version > s.version)
  AND NOT EXISTS (SELECT FROM core.identified_later i WHERE i.submission_id = s.submission_id)),
folded AS (
  SELECT f.submission_id, f.rule_id, f.column_name, f.severity, f.responsible, sum(f.findings)::bigint AS findings,
         min(f.first_line) AS first_line, min(f.example) AS example
  FROM (
    SELECT f.submission_id, f.rule_id, f.severity, f.responsible, f.first_line, f.column_name, f.example, f.findings
    FROM newest n JOIN intake.validations v USING (submission_id) JOIN core.finding_count f USING (submission_id, rules_version)
    WHERE f.severity IN ('hold', 'reject', 'warn') AND f.decision_id IS NULL
    UNION ALL
    SELECT x.submission_id, x.rule_id, x.severity, x.responsible, x.line, x.column_name, x.message, 1
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
COMMENT ON VIEW intake.tasks IS 'What waits for somebody: open findings of the newest version of each return, folded by rule and column.';
COMMENT ON COLUMN intake.tasks.task_id IS 'The task: the same submission, rule and column keep it.';
COMMENT ON COLUMN intake.tasks.findings IS 'How many findings it folds.';
COMMENT ON COLUMN intake.tasks.first_line IS 'The first line that it is about.';
COMMENT ON COLUMN intake.tasks.example IS 'The sentence of one of its findings.';
COMMENT ON COLUMN intake.tasks.submission_state IS 'What became of the submission: accepted, accepted_with_warnings or held.';

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
COMMENT ON VIEW intake.board IS 'Where every return stands that is asked for or came, by collection, period, sender and part.';
COMMENT ON COLUMN intake.board.counting IS 'The submission of this return that counts now.';
COMMENT ON COLUMN intake.board.state IS 'not_due, due (within ten days), late (nothing came, still open), missing (nothing came, closed), or the state of its newest submission.';

CREATE VIEW intake.events AS
SELECT e.event_id, e.occurred_from, e.occurred_to, e.date_precision, e.kind, e.status, e.provider_code, e.collection, e.period,
       e.recommendation_number, e.actor, e.audience, e.summary, e.source, e.confidence, e.fulfils, e.entered_by, e.entered_at, e.file_name,
       w.person AS withdrawn_by, w.withdrawn_at, w.reason AS withdrawn_because
FROM core.event e LEFT JOIN core.event_withdrawal w USING (event_id);
COMMENT ON VIEW intake.events IS 'Events that people added to the timeline, with who, when, and what was withdrawn. A withdrawn one is no longer on the timeline.';
COMMENT ON COLUMN intake.events.event_id IS 'The event: made of its content, so that the same one is not added twice.';
COMMENT ON COLUMN intake.events.occurred_from IS 'When it happened or began.';
COMMENT ON COLUMN intake.events.occurred_to IS 'When it ended; NULL for a single day.';
COMMENT ON COLUMN intake.events.date_precision IS 'How exactly the date is known: day, week, month, quarter, season or year.';
COMMENT ON COLUMN intake.events.kind IS 'What kind of event it is: a row of core.event_kind.';
COMMENT ON COLUMN intake.events.status IS 'planned, actual, inferred or deadline.';
COMMENT ON COLUMN intake.events.recommendation_number IS 'The recommendation it is about; NULL where none.';
COMMENT ON COLUMN intake.events.actor IS 'Who did it, as a role; empty where not told.';
COMMENT ON COLUMN intake.events.audience IS 'For whom it was, as a role; empty where not told.';
COMMENT ON COLUMN intake.events.confidence IS 'How sure its source is: high, medium or low.';
COMMENT ON COLUMN intake.events.fulfils IS 'The plan that it is the outcome of; NULL where it is of none.';
COMMENT ON COLUMN intake.events.entered_by IS 'Who added it.';
COMMENT ON COLUMN intake.events.entered_at IS 'When.';
COMMENT ON COLUMN intake.events.file_name IS 'The file that it came in; NULL where it came from the form.';
COMMENT ON COLUMN intake.events.withdrawn_by IS 'Who took it back; NULL while it stands.';
COMMENT ON COLUMN intake.events.withdrawn_at IS 'When.';
COMMENT ON COLUMN intake.events.withdrawn_because IS 'Why.';
