-- What stewards decide about findings, and what they were sent.

-- The kinds, on what they are possible, and how a decision moves. docs/decisions-of-stewards.md is drawn from these rows.
CREATE TABLE core.decision_kind (
  kind text PRIMARY KEY, says text NOT NULL,
  second_person text NOT NULL CHECK (second_person IN ('always', 'if it counts', 'as what it undoes', 'never')));
INSERT INTO core.decision_kind (kind, says, second_person) VALUES
  ('assign', 'gives the task to somebody', 'never'),
  ('comment', 'adds a comment', 'never'),
  ('accept', 'includes a held return in published figures; rows with errors stay out', 'always'),
  ('waive', 'ignores a rule for some cells, or for a provider in the period, until a date', 'always'),
  ('correct', 'reads a cell as another value from a named source', 'always'),
  ('hold', 'takes an accepted return out of published figures while a question is open', 'always'),
  ('return', 'asks the trust to send the return again; until then it is not included in published figures', 'if it counts'),
  ('undo', 'cancels an earlier decision', 'as what it undoes');

CREATE TABLE core.decision_possible (
  submission_state text NOT NULL, kind text NOT NULL REFERENCES core.decision_kind, PRIMARY KEY (submission_state, kind));
INSERT INTO core.decision_possible (submission_state, kind) VALUES
  ('received', 'assign'), ('received', 'comment'), ('received', 'undo'),
  ('held', 'assign'), ('held', 'comment'), ('held', 'undo'),
  ('held', 'accept'), ('held', 'waive'), ('held', 'correct'), ('held', 'return'),
  ('accepted', 'assign'), ('accepted', 'comment'), ('accepted', 'undo'),
  ('accepted', 'waive'), ('accepted', 'correct'), ('accepted', 'hold'), ('accepted', 'return'),
  ('accepted_with_warnings', 'assign'), ('accepted_with_warnings', 'comment'), ('accepted_with_warnings', 'undo'),
  ('accepted_with_warnings', 'waive'), ('accepted_with_warnings', 'correct'), ('accepted_with_warnings', 'hold'),
  ('accepted_with_warnings', 'return');

CREATE TABLE core.decision_move (
  moves_from text NOT NULL, by_what text NOT NULL, moves_to text NOT NULL, who text NOT NULL,
  PRIMARY KEY (moves_from, by_what));
INSERT INTO core.decision_move (moves_from, by_what, moves_to, who) VALUES
  ('new', 'decide, with a second person needed', 'proposed', 'steward'),
  ('new', 'decide, without', 'in_force', 'steward'),
  ('proposed', 'approve', 'in_force', 'approver, not its author'),
  ('proposed', 'refuse', 'refused', 'approver, not its author'),
  ('proposed', 'undo', 'withdrawn', 'its author'),
  ('in_force', 'undo', 'undone', 'steward, and an approver where one approved it'),
  ('in_force', 'its last day passes', 'ended', 'time');

-- Rules that no decision can pass over: there is nothing to record, or nobody to record it for, or no value to count.
CREATE TABLE core.rule_limit (rule_id text PRIMARY KEY, accept boolean NOT NULL, waive boolean NOT NULL, because text NOT NULL);
INSERT INTO core.rule_limit (rule_id, accept, waive, because) VALUES
  ('FIL-EMPTY', false, false, 'there is nothing in the file to record'),
  ('FIL-KIND', false, false, 'the file cannot be read'),
  ('FIL-DAMAGED', false, false, 'the file cannot be read'),
  ('FIL-SIZE', false, false, 'the file was not read'),
  ('FIL-PERIOD', false, false, 'the period is not known'),
  ('FIL-SENDER', false, false, 'the sender is not known'),
  ('STR01', false, false, 'the columns match no known template'),
  ('STR02', false, false, 'the values are ambiguous'),
  ('STR03', true, false, 'rows with the same key would be counted twice'),
  ('STR04', false, false, 'figures need a known, open provider: correct the reference data first'),
  ('STR05', true, true, ''),
  ('VAL-TYPE', true, false, 'the cell has no valid value'),
  ('VAL-MISSING', true, false, 'the cell has no valid value'),
  ('DEC-HOLD', false, false, 'a steward put it on hold: undo that decision'),
  ('DEC-RETURN', false, false, 'it was returned to the trust: undo that decision'),
  ('DEC-GONE', true, false, 'the correction no longer fits: undo it'),
  ('FIL-ARRIVED', false, false, 'it is not known when it was sent'),
  ('SYS-ERROR', false, false, 'it was not checked: the fault in our system must be mended first');

CREATE FUNCTION core.check_decision() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE
  sub record; earlier record; barred record; standing text; same bigint; base text;
BEGIN
  SELECT s.*, i.state, i.is_current INTO sub FROM core.submission s JOIN intake.submissions i USING (submission_id)
  WHERE s.submission_id = NEW.submission_id;
  IF NOT FOUND THEN PERFORM core.refuse(format('There is no submission %s.', NEW.submission_id)); END IF;
  -- One decision at a time about a return, so that each sees the one before it.
  PERFORM pg_advisory_xact_lock(hashtext(concat_ws('|', 'decisions', sub.collection, sub.period, sub.sender, sub.part)));
  SELECT i.state, i.is_current INTO sub.state, sub.is_current FROM intake.submissions i WHERE i.submission_id = NEW.submission_id;

  IF NOT EXISTS (SELECT FROM core.decision_possible p WHERE p.submission_state = sub.state AND p.kind = NEW.kind) THEN
    PERFORM core.refuse(format('A submission that is %s cannot be decided on by "%s". Possible: %s.', replace(sub.state, '_', ' '), NEW.kind,
      (SELECT string_agg(p.kind, ', ' ORDER BY p.kind) FROM core.decision_possible p WHERE p.submission_state = sub.state)));
  END IF;
  IF NEW.kind NOT IN ('assign', 'comment', 'undo') AND EXISTS (
      SELECT FROM core.submission o WHERE (o.collection, o.period, o.sender, o.part) = (sub.collection, sub.period, sub.sender, sub.part)
      AND o.version > sub.version) THEN
    PERFORM core.refuse(format('A newer version than version %s of this return has come. Decide on the newest.', sub.version));
  END IF;

  NEW.second_person := NEW.kind IN ('accept', 'waive', 'correct', 'hold') OR (NEW.kind = 'return' AND sub.is_current);
  IF NEW.kind = 'accept' THEN
    SELECT f.rule_id, l.because INTO barred FROM intake.finding_counts f JOIN core.rule_limit l USING (rule_id)
    WHERE f.submission_id = NEW.submission_id AND f.severity = 'hold' AND f.covered < f.findings AND NOT l.accept LIMIT 1;
    IF FOUND THEN PERFORM core.refuse(format('It cannot be accepted because of %s: %s. Return it to the trust instead.', barred.rule_id, barred.because)); END IF;
    IF NOT EXISTS (SELECT FROM intake.validations v WHERE v.submission_id = NEW.submission_id AND v.layout IS NOT NULL AND v.rows_read > 0) THEN
      PERFORM core.refuse('It cannot be accepted: no row of it could be read. Return it to the trust instead.');
    END IF;
  ELSIF NEW.kind = 'waive' THEN
    SELECT l.because INTO barred FROM core.rule_limit l WHERE l.rule_id = NEW.rule_id AND NOT l.waive;
    IF FOUND THEN PERFORM core.refuse(format('%s cannot be waived: %s.', NEW.rule_id, barred.because)); END IF;
    IF NEW.until < core.today() THEN PERFORM core.refuse(format('The waiver would have ended on %s. Give a day that is still to come.', NEW.until)); END IF;
  END IF;
  IF NEW.kind IN ('accept', 'hold', 'return') THEN
    SELECT d.decision_id, d.kind, d.state INTO earlier FROM intake.decisions d
    WHERE d.submission_id = NEW.submission_id AND d.kind IN ('accept', 'hold', 'return') AND d.state IN ('proposed', 'in_force') LIMIT 1;
    IF FOUND THEN PERFORM core.refuse(format('Decision %s (%s) on this submission is %s. Undo it first.', earlier.decision_id, earlier.kind, replace(earlier.state, '_', ' '))); END IF;
  ELSIF NEW.kind = 'correct' THEN
    SELECT d.decision_id, d.state INTO earlier FROM intake.decisions d
    WHERE d.kind = 'correct' AND d.state IN ('proposed', 'in_force') AND d.submission_id = NEW.submission_id
      AND (d.cells -> 0 ->> 'sheet') IS NOT DISTINCT FROM (NEW.cells -> 0 ->> 'sheet')
      AND (d.cells -> 0 ->> 'line', d.cells -> 0 ->> 'column_name') = (NEW.cells -> 0 ->> 'line', NEW.cells -> 0 ->> 'column_name') LIMIT 1;
    IF FOUND THEN PERFORM core.refuse(format('Decision %s corrects this cell and is %s. Undo it first.', earlier.decision_id, replace(earlier.state, '_', ' '))); END IF;
  ELSIF NEW.kind = 'undo' AND NEW.undoes IS NOT NULL THEN
    SELECT d.* INTO earlier FROM intake.decisions d WHERE d.decision_id = NEW.undoes;
    IF NOT FOUND OR earlier.submission_id <> NEW.submission_id THEN
      PERFORM core.refuse(format('There is no decision %s on this submission.', NEW.undoes)); END IF;
    IF earlier.kind = 'undo' THEN PERFORM core.refuse('An undo is not undone: decide again instead.'); END IF;
    IF NOT EXISTS (SELECT FROM core.decision_move m WHERE m.moves_from = earlier.state AND m.by_what = 'undo') THEN
      PERFORM core.refuse(format('Decision %s is %s already.', NEW.undoes, replace(earlier.state, '_', ' '))); END IF;
    IF earlier.state = 'proposed' AND lower(btrim(earlier.author)) <> lower(btrim(NEW.author)) THEN
      PERFORM core.refuse(format('Only %s withdraws this proposal. An approver may refuse it.', earlier.author)); END IF;
    IF EXISTS (SELECT FROM intake.decisions d WHERE d.undoes = NEW.undoes AND d.state = 'proposed') THEN
      PERFORM core.refuse(format('To undo decision %s has been proposed already.', NEW.undoes)); END IF;
    NEW.second_person := earlier.second_person AND earlier.state = 'in_force';
  END IF;

  base := md5(concat_ws('|', NEW.kind, NEW.submission_id, NEW.rule_id, NEW.column_name, NEW.provider_code, NEW.cells::text, NEW.new_value,
                        NEW.until, NEW.assignee, NEW.undoes));
  IF NEW.kind IN ('assign', 'comment') THEN
    NEW.decision_key := md5(base || clock_timestamp()::text || random()::text);
  ELSE
    SELECT count(*) INTO same FROM core.decision d WHERE d.submission_id = NEW.submission_id AND starts_with(d.decision_key, base);
    NEW.decision_key := base || '.' || same;
  END IF;
  NEW.decided_at := clock_timestamp();
  RETURN NEW;
END $$;

-- What people write holds no email address, telephone number or patient's number: the ledger keeps roles, not people. Desk and command check
-- with the same patterns, to say it beside the field.
CREATE FUNCTION core.has_contact_details(words text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT words ~ '[^\s@]@[^\s@]' OR words ~ '(^|[^0-9A-Za-z])(\+[0-9]{1,3}|00[0-9]{2}|0)[ ().-]{0,2}[1-9]([ ().-]{0,2}[0-9]){8,}'
$$;
CREATE FUNCTION core.has_nhs_number(words text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT EXISTS (
    SELECT FROM regexp_matches(words, '(?<![0-9])([0-9]{3})[ -]?([0-9]{3})[ -]?([0-9]{4})(?![0-9])', 'g') m,
      LATERAL (SELECT array_to_string(m, '') AS digits) d
    WHERE (11 - (SELECT sum(substr(d.digits, n, 1)::int * (11 - n)) FROM generate_series(1, 9) n) % 11) % 11 = substr(d.digits, 10, 1)::int)
$$;
CREATE FUNCTION core.check_words() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE
  said text := CASE TG_TABLE_NAME WHEN 'verdict' THEN to_jsonb(NEW) ->> 'words'
                                  ELSE concat_ws(E'\n', to_jsonb(NEW) ->> 'reason', to_jsonb(NEW) ->> 'value_source') END;
BEGIN
  IF core.has_contact_details(said) THEN
    PERFORM core.refuse('It holds an email address or a telephone number. Write the role instead: people''s details are not kept here.'); END IF;
  IF core.has_nhs_number(said) THEN
    PERFORM core.refuse('It holds an NHS number. Take it out: patients'' details are not kept here.'); END IF;
  RETURN NEW;
END $$;

CREATE TABLE core.decision (
  decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  decision_key text NOT NULL UNIQUE,       -- made of its content: the same decision previewed and taken has the same key
  kind text NOT NULL REFERENCES core.decision_kind,
  author text NOT NULL CHECK (btrim(author) <> ''),
  decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  submission_id text NOT NULL REFERENCES core.submission,   -- what was looked at
  rule_id text, column_name text, provider_code text,
  -- [{"sheet", "line", "row_key", "column_name", "saw", "message"}]: the cells it is about, as they stood
  cells jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(cells) = 'array'),
  new_value text, value_source text, until date, assignee text,
  undoes bigint REFERENCES core.decision,
  reason text NOT NULL CHECK (btrim(reason) <> ''),
  second_person boolean NOT NULL,          -- set here, not by the writer
  expected_release text,                   -- the release that the preview said would follow
  batch text CHECK (batch ~ '^[0-9a-f]{32}$'),  -- shared by decisions made at once about the same fault in several returns
  CONSTRAINT waive_is_bounded CHECK (kind <> 'waive' OR (rule_id IS NOT NULL AND until IS NOT NULL
    AND (jsonb_array_length(cells) > 0 OR provider_code IS NOT NULL))),
  CONSTRAINT correct_is_one_cell CHECK (kind <> 'correct' OR (jsonb_array_length(cells) = 1 AND new_value IS NOT NULL
    AND btrim(coalesce(value_source, '')) <> '')),
  CONSTRAINT assign_names_somebody CHECK (kind <> 'assign' OR btrim(coalesce(assignee, '')) <> ''),
  CONSTRAINT undo_names_a_decision CHECK ((kind = 'undo') = (undoes IS NOT NULL)));
CREATE INDEX decision_submission ON core.decision (submission_id);
CREATE INDEX decision_undoes ON core.decision (undoes);
CREATE INDEX decision_batch ON core.decision (batch) WHERE batch IS NOT NULL;
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.decision FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER check_decision BEFORE INSERT ON core.decision FOR EACH ROW EXECUTE FUNCTION core.check_decision();
CREATE TRIGGER check_words BEFORE INSERT ON core.decision FOR EACH ROW EXECUTE FUNCTION core.check_words();

CREATE FUNCTION core.check_verdict() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE d record; n int;
BEGIN
  SELECT * INTO d FROM intake.decisions i WHERE i.decision_id = NEW.decision_id;
  IF NOT FOUND THEN PERFORM core.refuse(format('There is no decision %s.', NEW.decision_id)); END IF;
  PERFORM pg_advisory_xact_lock(hashtext(concat_ws('|', 'decisions', d.collection, d.period, d.sender, d.part)));
  SELECT * INTO d FROM intake.decisions i WHERE i.decision_id = NEW.decision_id;
  IF lower(btrim(d.author)) = lower(btrim(NEW.person)) THEN
    PERFORM core.refuse('Whoever made a decision cannot approve or refuse it. A second person must.'); END IF;
  IF NOT d.second_person THEN PERFORM core.refuse(format('Decision %s needs no second person: it holds since it was made.', NEW.decision_id)); END IF;
  IF NOT EXISTS (SELECT FROM core.decision_move m WHERE m.moves_from = d.state AND m.by_what = NEW.verdict) THEN
    PERFORM core.refuse(format('Decision %s is %s already%s.', NEW.decision_id, replace(d.state, '_', ' '),
      coalesce(', by ' || d.verdict_by || ' at ' || to_char(d.verdict_at AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI'), ''))); END IF;
  IF NEW.verdict = 'approve' AND d.kind IN ('accept', 'hold', 'return') THEN
    SELECT max(o.version) INTO n FROM core.submission o
    WHERE (o.collection, o.period, o.sender, o.part) = (d.collection, d.period, d.sender, d.part);
    IF n > d.version THEN
      PERFORM core.refuse(format('Version %s of this return has come since. Refuse this decision on version %s and decide on the newest.', n, d.version)); END IF;
  END IF;
  IF NEW.verdict = 'approve' AND d.until < core.today() THEN
    PERFORM core.refuse(format('The waiver would have ended on %s. Refuse it, and decide again.', d.until)); END IF;
  NEW.given_at := clock_timestamp();
  RETURN NEW;
END $$;

CREATE TABLE core.verdict (                -- what the second person said; the key makes sure that only one does
  decision_id bigint PRIMARY KEY REFERENCES core.decision,
  verdict text NOT NULL CHECK (verdict IN ('approve', 'refuse')),
  person text NOT NULL CHECK (btrim(person) <> ''),
  words text NOT NULL DEFAULT '',
  given_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.verdict FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER check_verdict BEFORE INSERT ON core.verdict FOR EACH ROW EXECUTE FUNCTION core.check_verdict();
CREATE TRIGGER check_words BEFORE INSERT ON core.verdict FOR EACH ROW EXECUTE FUNCTION core.check_words();

CREATE TABLE core.answer (                 -- a return that was made from the workbook that we sent back
  submission_id text PRIMARY KEY REFERENCES core.submission, answers text NOT NULL, found_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.answer FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.digest_sent (
  person text NOT NULL CHECK (btrim(person) <> ''),   -- the name they sign in with; addresses are not kept here
  day date NOT NULL,
  content_hash text NOT NULL,
  -- {key: words}: what stood open then, so that the next one can tell what is new and what was mended
  items jsonb NOT NULL CHECK (jsonb_typeof(items) = 'object'),
  new_items int NOT NULL, open_items int NOT NULL, mended_items int NOT NULL,
  sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (person, day));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.digest_sent FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
