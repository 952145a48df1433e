-- What trusts answer to findings, and what became of each answer. A reply is the trust's own: it changes nothing until a steward makes
-- a decision of it, which a second person approves as any other (docs/decisions/0048).

CREATE TABLE core.reply (
  reply_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  submission_id text NOT NULL REFERENCES core.submission,
  contact_key integer REFERENCES core.contact,       -- who said so in the room; NULL: it stood in the workbook that is this submission
  kind text NOT NULL CHECK (kind IN ('confirm', 'correct')),
  rule_id text NOT NULL, sheet text, line bigint, column_name text, raw_value text, message text NOT NULL,  -- the finding as it stood
  reason_code text CHECK (reason_code ~ '^[a-z_]{1,40}$'),   -- include/reference/reply_reasons.toml
  new_value text CHECK (length(new_value) <= 500),
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 500),
  replied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT confirm_has_a_reason CHECK ((kind = 'confirm') = (reason_code IS NOT NULL)),
  CONSTRAINT correct_has_a_value CHECK ((kind = 'correct') = (new_value IS NOT NULL)),
  CONSTRAINT correct_is_at_a_cell CHECK (kind <> 'correct' OR (line IS NOT NULL AND column_name IS NOT NULL)));
CREATE INDEX reply_submission ON core.reply (submission_id);
CREATE INDEX reply_rule ON core.reply (rule_id);
CREATE INDEX reply_contact ON core.reply (contact_key);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.reply FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Replies in a workbook that could not be read as such: the trust is shown them in its room.
CREATE TABLE core.reply_not_read (
  submission_id text NOT NULL REFERENCES core.submission, number int NOT NULL, why text NOT NULL,
  found_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (submission_id, number));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.reply_not_read FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Answers that a contact gave with a file, before it was sent: they become replies when the file is received.
CREATE TABLE core.room_sending_reply (
  draft_id text NOT NULL REFERENCES core.room_sending, number int NOT NULL,
  kind text NOT NULL CHECK (kind IN ('confirm', 'correct')),
  rule_id text NOT NULL, sheet text, line bigint, column_name text, raw_value text, message text NOT NULL,
  reason_code text CHECK (reason_code ~ '^[a-z_]{1,40}$'), new_value text CHECK (length(new_value) <= 500),
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 500),
  PRIMARY KEY (draft_id, number),
  CONSTRAINT confirm_has_a_reason CHECK ((kind = 'confirm') = (reason_code IS NOT NULL)),
  CONSTRAINT correct_has_a_value CHECK ((kind = 'correct') = (new_value IS NOT NULL)),
  CONSTRAINT correct_is_at_a_cell CHECK (kind <> 'correct' OR (line IS NOT NULL AND column_name IS NOT NULL)));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.room_sending_reply FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.reply_refusal (                     -- by a steward alone: it changes no figure
  reply_id bigint PRIMARY KEY REFERENCES core.reply,
  person text NOT NULL CHECK (btrim(person) <> ''), words text NOT NULL CHECK (btrim(words) <> ''),
  batch text NOT NULL CHECK (batch ~ '^[0-9a-f]{32}$'),  -- refused together, and told in one message
  refused_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.reply_refusal FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.reply_taken (                       -- the decision that a steward made of it; another one where that came to nothing
  decision_id bigint PRIMARY KEY REFERENCES core.decision, reply_id bigint NOT NULL REFERENCES core.reply);
CREATE INDEX reply_taken_reply ON core.reply_taken (reply_id);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.reply_taken FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE VIEW intake.replies AS
SELECT r.reply_id, r.submission_id, s.collection, s.period, s.sender, s.part, s.version, s.is_sample, r.kind, r.rule_id, r.sheet, r.line,
       r.column_name, r.raw_value, r.message, r.reason_code, r.new_value, r.note, r.replied_at,
       CASE WHEN r.contact_key IS NULL THEN 'workbook' ELSE 'room' END AS came_by, c.name AS contact_name,
       o.finding_id, t.decision_id, x.words AS refused_words, x.person AS refused_by, x.refused_at,
       CASE WHEN x.reply_id IS NOT NULL THEN 'refused'
            WHEN t.state IN ('in_force', 'ended') THEN 'accepted'
            WHEN t.state = 'proposed' THEN 'proposed'
            WHEN EXISTS (SELECT FROM core.reply l WHERE l.submission_id = r.submission_id AND l.reply_id > r.reply_id AND l.rule_id = r.rule_id
                         AND (l.sheet, l.line, l.column_name) IS NOT DISTINCT FROM (r.sheet, r.line, r.column_name)
                         AND (r.line IS NOT NULL OR l.message = r.message)) THEN 'replaced'
            WHEN v.submission_id IS NULL THEN 'waiting'
            WHEN o.finding_id IS NULL THEN 'over'
            ELSE 'open' END AS state
FROM core.reply r JOIN core.submission s USING (submission_id)
LEFT JOIN core.contact c USING (contact_key)
LEFT JOIN core.reply_refusal x USING (reply_id)
LEFT JOIN intake.validations v ON v.submission_id = r.submission_id
LEFT JOIN LATERAL (
  SELECT d.decision_id, d.state FROM core.reply_taken k JOIN intake.decisions d USING (decision_id)
  WHERE k.reply_id = r.reply_id ORDER BY d.decision_id DESC LIMIT 1) t ON true
CROSS JOIN LATERAL (
  SELECT NOT EXISTS (
    SELECT FROM core.submission l WHERE (l.collection, l.period, l.sender, l.part) = (s.collection, s.period, s.sender, s.part)
    AND l.version > s.version) AS is_newest) n
LEFT JOIN LATERAL (
  SELECT f.finding_id FROM intake.findings f
  -- What is settled, as most are in time, is not looked for.
  WHERE coalesce(t.state, '') NOT IN ('in_force', 'ended') AND n.is_newest
    AND f.submission_id = r.submission_id AND f.rule_id = r.rule_id AND f.decision_id IS NULL AND f.severity <> 'info'
    AND f.line IS NOT DISTINCT FROM r.line AND f.column_name IS NOT DISTINCT FROM r.column_name
    AND (f.sheet IS NOT DISTINCT FROM r.sheet OR (r.line IS NULL AND r.contact_key IS NULL))
    AND (r.line IS NOT NULL OR r.contact_key IS NULL OR f.message = r.message)
  ORDER BY f.finding_id LIMIT 1) o ON true;
COMMENT ON VIEW intake.replies IS 'What trusts answered to findings, in their room or in the workbook that they were sent, with what became of each answer.';
COMMENT ON COLUMN intake.replies.reply_id IS 'The reply; later ones are higher.';
COMMENT ON COLUMN intake.replies.kind IS 'confirm (the figure is right) or correct (another value is meant).';
COMMENT ON COLUMN intake.replies.message IS 'The sentence of the finding that was answered.';
COMMENT ON COLUMN intake.replies.reason_code IS 'Why the figure is right: a code of include/reference/reply_reasons.toml; NULL for a correction.';
COMMENT ON COLUMN intake.replies.new_value IS 'The value that is meant; NULL for a confirmation.';
COMMENT ON COLUMN intake.replies.note IS 'What they added.';
COMMENT ON COLUMN intake.replies.replied_at IS 'When they answered; of a workbook, when it was received.';
COMMENT ON COLUMN intake.replies.came_by IS 'room or workbook.';
COMMENT ON COLUMN intake.replies.contact_name IS 'The contact who answered in the room; NULL where it stood in a workbook.';
COMMENT ON COLUMN intake.replies.finding_id IS 'The finding, as long as it is open in the newest version.';
COMMENT ON COLUMN intake.replies.decision_id IS 'The last decision that a steward made of it; NULL where there is none.';
COMMENT ON COLUMN intake.replies.refused_words IS 'Why a steward did not accept it, as the trust reads it.';
COMMENT ON COLUMN intake.replies.refused_by IS 'The steward who did not accept it.';
COMMENT ON COLUMN intake.replies.refused_at IS 'When.';
COMMENT ON COLUMN intake.replies.state IS 'waiting (its file is not validated yet), open (a steward must look), proposed (an approver must look), accepted, refused, replaced (by a later answer of the trust), or over (the finding is no longer open, or a newer version has come).';

CREATE VIEW intake.reply_reasons AS
SELECT r.collection, r.rule_id, r.kind, r.reason_code, count(*) AS replies, count(DISTINCT r.sender) AS trusts,
       count(*) FILTER (WHERE r.state = 'accepted') AS accepted, count(*) FILTER (WHERE r.state = 'refused') AS refused,
       count(*) FILTER (WHERE r.state IN ('open', 'proposed', 'waiting')) AS open_replies, max(r.replied_at) AS last_at
FROM intake.replies r WHERE r.state <> 'replaced'
GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW intake.reply_reasons IS 'How often trusts gave each reason for what a rule found, or a correction. A rule that is nearly always confirmed finds nothing that is wrong.';
COMMENT ON COLUMN intake.reply_reasons.kind IS 'confirm or correct.';
COMMENT ON COLUMN intake.reply_reasons.reason_code IS 'The reason; NULL for corrections.';
COMMENT ON COLUMN intake.reply_reasons.replies IS 'How many answers; one that the trust replaced by a later one is not counted.';
COMMENT ON COLUMN intake.reply_reasons.trusts IS 'Of how many trusts.';
COMMENT ON COLUMN intake.reply_reasons.accepted IS 'Of these answers, those whose decision is in force.';
COMMENT ON COLUMN intake.reply_reasons.refused IS 'Of these answers, those that a steward did not accept.';
COMMENT ON COLUMN intake.reply_reasons.open_replies IS 'Of these answers, those that nobody has decided on for good.';
COMMENT ON COLUMN intake.reply_reasons.last_at IS 'When the last one came.';

SELECT core.share_comments('{intake.replies,intake.reply_reasons}', '{intake.findings,intake.submissions}');

CREATE FUNCTION core.check_reply() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE said text := concat_ws(E'\n', to_jsonb(NEW) ->> 'note', to_jsonb(NEW) ->> 'words'); now_is text; fits boolean;
BEGIN
  IF core.has_contact_details(said) THEN
    PERFORM core.refuse('It holds an email address or a telephone number. Write the role instead: people''s details are not kept here.'); END IF;
  IF core.has_nhs_number(said) THEN
    PERFORM core.refuse('It holds an NHS number. Take it out: patients'' details are not kept here.'); END IF;
  IF TG_TABLE_NAME IN ('reply', 'room_sending_reply') THEN RETURN NEW; END IF;
  PERFORM FROM core.reply r WHERE r.reply_id = NEW.reply_id FOR UPDATE;
  SELECT i.state INTO now_is FROM intake.replies i WHERE i.reply_id = NEW.reply_id;
  IF TG_TABLE_NAME = 'reply_refusal' THEN
    IF now_is IS DISTINCT FROM 'open' THEN
      PERFORM core.refuse(format('Answer %s does not wait for us any more: it is %s.', NEW.reply_id, coalesce(now_is, 'not there'))); END IF;
    NEW.refused_at := clock_timestamp();
    RETURN NEW;
  END IF;
  -- The decision stands already: the answer is taken where no other decision was made of it, and it was not refused or replaced.
  IF now_is IS NULL OR now_is IN ('refused', 'replaced', 'proposed', 'accepted', 'waiting') THEN
    PERFORM core.refuse(format('Answer %s does not wait for us any more: it is %s.', NEW.reply_id, coalesce(now_is, 'not there'))); END IF;
  SELECT r.submission_id = d.submission_id AND d.kind = CASE r.kind WHEN 'confirm' THEN 'waive' ELSE 'correct' END AND d.rule_id = r.rule_id
  INTO fits FROM core.decision d, core.reply r WHERE d.decision_id = NEW.decision_id AND r.reply_id = NEW.reply_id;
  IF NOT coalesce(fits, false) THEN PERFORM core.refuse(format('Decision %s is not about answer %s.', NEW.decision_id, NEW.reply_id)); END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER check_reply BEFORE INSERT ON core.room_sending_reply FOR EACH ROW EXECUTE FUNCTION core.check_reply();
CREATE TRIGGER check_reply BEFORE INSERT ON core.reply FOR EACH ROW EXECUTE FUNCTION core.check_reply();
CREATE TRIGGER check_reply BEFORE INSERT ON core.reply_refusal FOR EACH ROW EXECUTE FUNCTION core.check_reply();
CREATE TRIGGER check_reply BEFORE INSERT ON core.reply_taken FOR EACH ROW EXECUTE FUNCTION core.check_reply();

-- For the room, by a session's token ------------------------------------------------------------------------------------------------

-- The answers of the contact's trusts about a submission of theirs, newest first.
CREATE FUNCTION room.replies(session text, of_submission text)
RETURNS TABLE (reply_id bigint, kind text, rule_id text, sheet text, line bigint, column_name text, message text, reason_code text,
               new_value text, note text, replied_at timestamptz, came_by text, state text, refused_words text, finding_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.reply_id, r.kind, r.rule_id, r.sheet, r.line, r.column_name, r.message, r.reason_code, r.new_value, r.note, r.replied_at,
         r.came_by, r.state, r.refused_words, r.finding_id
  FROM intake.replies r WHERE r.submission_id = (SELECT s.submission_id FROM room.submission(session, of_submission) s)
  ORDER BY r.reply_id DESC
$$;

CREATE FUNCTION room.replies_not_read(session text, of_submission text) RETURNS TABLE (number int, why text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT n.number, n.why FROM core.reply_not_read n
  WHERE n.submission_id = (SELECT s.submission_id FROM room.submission(session, of_submission) s) ORDER BY 1
$$;

-- The findings that the contact may answer, and how: those that are open and the trust's to act on, of the newest version.
CREATE FUNCTION room.answerable(session text, of_submission text)
RETURNS TABLE (finding_id text, may_confirm boolean, may_correct boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM (
    SELECT f.finding_id, coalesce(l.waive, true) AS may_confirm,
           f.scope IN ('cell', 'row') AND f.line IS NOT NULL AND f.column_name IS NOT NULL AS may_correct
    FROM room.submission(session, of_submission) s JOIN intake.findings f USING (submission_id) LEFT JOIN core.rule_limit l USING (rule_id)
    WHERE s.is_newest AND EXISTS (SELECT FROM core.decision_possible p WHERE p.submission_state = s.state AND p.kind = 'correct')
      AND f.severity <> 'info' AND f.decision_id IS NULL AND f.responsible = 'trust') a
  WHERE a.may_confirm OR a.may_correct
$$;

-- Rules whose findings nobody can confirm, so that a contact who answers before sending is not offered to.
CREATE FUNCTION room.never_confirmed() RETURNS TABLE (rule_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT l.rule_id FROM core.rule_limit l WHERE NOT l.waive $$;

-- Keeps what a contact answers with a file that they send (room.begin_sending).
CREATE FUNCTION core.room_keep_answers(of_contact integer, of_draft text, name_of_file text, answers jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE many int := jsonb_array_length(answers);
BEGIN
  IF many = 0 THEN RETURN; END IF;
  IF many > 500 THEN PERFORM core.refuse('Answer at most 500 findings at once.'); END IF;
  INSERT INTO core.room_sending_reply (draft_id, number, kind, rule_id, sheet, line, column_name, raw_value, message, reason_code, new_value, note)
  SELECT of_draft, row_number() OVER (), a.kind, a.rule_id, a.sheet, a.line, a.column_name, a.raw_value, a.message, a.reason_code, a.new_value,
         coalesce(a.note, '')
  FROM jsonb_to_recordset(answers) AS a (kind text, rule_id text, sheet text, line bigint, column_name text, raw_value text, message text,
                                         reason_code text, new_value text, note text);
  IF EXISTS (SELECT FROM core.room_sending_reply r JOIN core.rule_limit l USING (rule_id)
             WHERE r.draft_id = of_draft AND r.kind = 'confirm' AND NOT l.waive) THEN
    PERFORM core.refuse('One of these findings cannot be confirmed. Correct the file, or the cell.'); END IF;
  INSERT INTO core.room_action (contact_key, action, about) VALUES (of_contact, 'answered findings', format('%s with %s', many, name_of_file));
END $$;

-- Keeps answers to findings of one submission: [{finding_id, kind, reason_code, new_value, note}], all or none; an answer that stands
-- already is not added again. Queues a receipt. Returns how many were added.
CREATE FUNCTION room.reply(session text, of_submission text, answers jsonb, subject text, body_text text, body_html text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer := core.room_need(session); sub record; a record; f record; last record; added int := 0; first_id bigint; new_id bigint;
BEGIN
  SELECT s.* INTO sub FROM room.submission(session, of_submission) s;
  IF NOT FOUND THEN PERFORM core.refuse('There is no such file of your trust.'); END IF;
  -- As for decisions: one at a time about a return, so that each sees what was said before it.
  PERFORM pg_advisory_xact_lock(hashtext(concat_ws('|', 'decisions', sub.collection, sub.period, sub.sender, sub.part)));
  IF jsonb_array_length(answers) > 500 THEN PERFORM core.refuse('Answer at most 500 findings at once.'); END IF;
  FOR a IN SELECT * FROM jsonb_to_recordset(answers) AS x (finding_id text, kind text, reason_code text, new_value text, note text) LOOP
    SELECT i.*, w.may_confirm, w.may_correct INTO f FROM room.answerable(session, of_submission) w
    JOIN intake.findings i ON i.submission_id = sub.submission_id AND i.finding_id = w.finding_id WHERE w.finding_id = a.finding_id;
    IF NOT FOUND THEN PERFORM core.refuse('One of these findings is no longer open, or cannot be answered. Load the page again.'); END IF;
    IF NOT ((a.kind = 'confirm' AND f.may_confirm) OR (a.kind = 'correct' AND f.may_correct)) IS TRUE THEN
      PERFORM core.refuse('This finding cannot be answered like that. Send a corrected file instead.'); END IF;
    SELECT i.kind, i.reason_code, i.new_value, i.note, i.state INTO last FROM intake.replies i
    WHERE i.submission_id = sub.submission_id AND i.finding_id = f.finding_id ORDER BY i.reply_id DESC LIMIT 1;
    IF last.state = 'proposed' THEN
      PERFORM core.refuse('A steward has taken up your answer to one of these findings, so it cannot be changed now. Load the page again.'); END IF;
    CONTINUE WHEN last.state = 'open'
      AND (last.kind, last.reason_code, last.new_value, last.note) IS NOT DISTINCT FROM (a.kind, a.reason_code, a.new_value, coalesce(a.note, ''));
    INSERT INTO core.reply (submission_id, contact_key, kind, rule_id, sheet, line, column_name, raw_value, message, reason_code, new_value, note)
    VALUES (sub.submission_id, found_key, a.kind, f.rule_id, f.sheet, f.line, f.column_name, f.raw_value, f.message, a.reason_code, a.new_value,
            coalesce(a.note, ''))
    RETURNING reply_id INTO new_id;
    first_id := coalesce(first_id, new_id);
    added := added + 1;
  END LOOP;
  IF added > 0 THEN
    PERFORM core.room_queue(found_key, 'replied', 'answer ' || first_id, subject, body_text, body_html, NULL);
    INSERT INTO core.room_action (contact_key, action, about)
    VALUES (found_key, 'answered findings', format('%s of %s, %s', added, sub.collection, coalesce(sub.period, 'no known period')));
  END IF;
  RETURN added;
END $$;

REVOKE ALL ON FUNCTION core.room_keep_answers(integer, text, text, jsonb), room.never_confirmed(), room.replies(text, text), room.replies_not_read(text, text), room.answerable(text, text),
  room.reply(text, text, jsonb, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION room.never_confirmed(), room.replies(text, text), room.replies_not_read(text, text), room.answerable(text, text),
  room.reply(text, text, jsonb, text, text, text) TO trust_room;

-- The desk takes answers over and refuses them.
GRANT INSERT (reply_id, person, words, batch), SELECT (reply_id) ON core.reply_refusal TO steward_desk;
GRANT INSERT (decision_id, reply_id), SELECT (decision_id) ON core.reply_taken TO steward_desk;
