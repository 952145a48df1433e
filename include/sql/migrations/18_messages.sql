-- Messages to people of trusts: what is to be said to whom, and what came of each attempt to send it, are facts. What still waits is a
-- pointer: its rows go when a message was sent, given up or dropped.

CREATE TABLE core.message (
  message_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind <> ''),           -- include/messages/kinds.toml
  about text NOT NULL,                             -- what it is about: the same kind is said once about the same thing to the same address
  mail text NOT NULL CHECK (mail = lower(mail) AND mail <> ''),
  name text NOT NULL DEFAULT '',
  subject text NOT NULL CHECK (btrim(subject) <> ''), body_text text NOT NULL, body_html text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
  not_after timestamptz,                           -- not sent any more after this; NULL: whenever it can be
  UNIQUE (kind, about, mail));
CREATE INDEX message_mail ON core.message (mail, made_at);
CREATE INDEX message_about ON core.message (about);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.message FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.message_attempt (
  message_key bigint NOT NULL REFERENCES core.message, number int NOT NULL CHECK (number > 0),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- failed: is tried again. given_up: never arrives, and somebody must look. dropped: not wanted, or of no use any more.
  outcome text NOT NULL CHECK (outcome IN ('sent', 'failed', 'given_up', 'dropped')),
  said text NOT NULL DEFAULT '',                   -- what the mail server said, or why it was dropped
  mail_id text,                                    -- the Message-ID; messages of one digest have the same
  try_again_at timestamptz, CHECK ((outcome = 'failed') = (try_again_at IS NOT NULL)),
  PRIMARY KEY (message_key, number));
CREATE INDEX message_attempt_at ON core.message_attempt (at);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.message_attempt FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.message_waiting (
  message_key bigint PRIMARY KEY REFERENCES core.message, mail text NOT NULL, next_at timestamptz NOT NULL);
CREATE INDEX message_waiting_next ON core.message_waiting (next_at);

-- With their owner's rights: whoever may add a message or an attempt changes nothing of what waits by hand.
CREATE FUNCTION core.message_waits() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO core.message_waiting (message_key, mail, next_at) SELECT m.message_key, m.mail, m.not_before FROM made m;
  RETURN NULL;
END $$;
CREATE TRIGGER waits AFTER INSERT ON core.message REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION core.message_waits();

CREATE FUNCTION core.message_tried() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM core.message_waiting w USING tried t WHERE w.message_key = t.message_key AND t.outcome <> 'failed';
  UPDATE core.message_waiting w SET next_at = t.try_again_at FROM tried t WHERE w.message_key = t.message_key AND t.outcome = 'failed';
  RETURN NULL;
END $$;
CREATE TRIGGER tried AFTER INSERT ON core.message_attempt REFERENCING NEW TABLE AS tried FOR EACH STATEMENT EXECUTE FUNCTION core.message_tried();

-- A message may carry a way to sign in: what it says is not shown here, only that it was sent.
CREATE VIEW intake.messages AS
SELECT m.message_key, m.kind, m.about, m.mail, m.name, m.subject, m.made_at, m.not_before, m.not_after,
       CASE WHEN t.outcome IS NULL OR t.outcome = 'failed' THEN 'waiting' ELSE t.outcome END AS state,
       coalesce(t.number, 0) AS attempts, t.at AS last_attempt_at, t.said, t.mail_id, w.next_at
FROM core.message m
LEFT JOIN core.message_waiting w USING (message_key)
LEFT JOIN LATERAL (
  SELECT a.number, a.outcome, a.at, a.said, a.mail_id FROM core.message_attempt a WHERE a.message_key = m.message_key
  ORDER BY a.number DESC LIMIT 1) t ON true;
COMMENT ON VIEW intake.messages IS 'Every message to people of trusts, with what came of it.';
COMMENT ON COLUMN intake.messages.message_key IS 'The message; later ones are higher.';
COMMENT ON COLUMN intake.messages.kind IS 'What kind of message it is; docs/messages.md has the words of each.';
COMMENT ON COLUMN intake.messages.about IS 'What it is about: a submission, a decision, or a return (collection|period|sender|part). The same kind is said once about it to an address.';
COMMENT ON COLUMN intake.messages.mail IS 'The address it goes to.';
COMMENT ON COLUMN intake.messages.name IS 'Whom it addresses; empty where no name is known.';
COMMENT ON COLUMN intake.messages.subject IS 'Its subject; of messages that went out together, each has its own.';
COMMENT ON COLUMN intake.messages.made_at IS 'When it was written.';
COMMENT ON COLUMN intake.messages.not_before IS 'It is not sent before this.';
COMMENT ON COLUMN intake.messages.not_after IS 'It is not sent after this; NULL where it is sent whenever it can be.';
COMMENT ON COLUMN intake.messages.state IS 'waiting, sent, given_up (the mail server did not take it; somebody must look) or dropped (not wanted, or of no use any more).';
COMMENT ON COLUMN intake.messages.attempts IS 'How often it was tried.';
COMMENT ON COLUMN intake.messages.last_attempt_at IS 'When it was last tried.';
COMMENT ON COLUMN intake.messages.said IS 'What the mail server said, or why it was dropped.';
COMMENT ON COLUMN intake.messages.mail_id IS 'Message-ID of the mail that it was sent in; messages of one digest have the same.';
COMMENT ON COLUMN intake.messages.next_at IS 'When it is tried next, at the earliest; NULL where it waits no longer.';

-- The newest choice for a kind holds, else the newest for all kinds ('*').
CREATE TABLE core.contact_preference (
  preference_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  contact_key integer NOT NULL REFERENCES core.contact,
  kind text NOT NULL CHECK (kind ~ '^([a-z_]{1,40}|[*])$'),  -- include/messages/kinds.toml, or '*'
  -- usual: by itself, and as a digest where there are many. each: always by itself. digest: once a working day. off: not at all.
  choice text NOT NULL CHECK (choice IN ('usual', 'each', 'digest', 'off')),
  said_by text NOT NULL CHECK (btrim(said_by) <> ''), since timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX contact_preference_contact ON core.contact_preference (contact_key, kind);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.contact_preference FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE VIEW intake.message_preferences AS
SELECT DISTINCT ON (c.mail, p.kind) c.mail, c.name, p.kind, p.choice, p.said_by, p.since
FROM core.contact_preference p JOIN core.contact c USING (contact_key) ORDER BY c.mail, p.kind, p.preference_key DESC;
COMMENT ON VIEW intake.message_preferences IS 'What contacts of trusts want to be told by mail, and how.';
COMMENT ON COLUMN intake.message_preferences.mail IS 'The contact''s address.';
COMMENT ON COLUMN intake.message_preferences.name IS 'The contact''s name.';
COMMENT ON COLUMN intake.message_preferences.kind IS 'The kind of message; * for all that have no choice of their own.';
COMMENT ON COLUMN intake.message_preferences.choice IS 'usual (by itself, and as a digest where there are many), each (always by itself), digest (once a working day) or off.';
COMMENT ON COLUMN intake.message_preferences.said_by IS 'Who chose it: the contact, or the person who keeps the contacts.';
COMMENT ON COLUMN intake.message_preferences.since IS 'Since when.';

-- For the room, by a session's token: what its contact was sent, and what they choose.
CREATE FUNCTION room.messages(session text) RETURNS TABLE (
  message_key bigint, kind text, subject text, body_text text, made_at timestamptz, state text, last_attempt_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.message_key, m.kind, m.subject, m.body_text, m.made_at, i.state, i.last_attempt_at
  FROM core.contact c JOIN core.message m ON m.mail = c.mail JOIN intake.messages i USING (message_key)
  WHERE c.contact_key = core.room_contact(session) AND m.kind <> 'sign_in_link' ORDER BY m.message_key DESC LIMIT 200
$$;

CREATE FUNCTION room.preferences(session text) RETURNS TABLE (kind text, choice text, since timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT ON (p.kind) p.kind, p.choice, p.since FROM core.contact_preference p
  WHERE p.contact_key = core.room_contact(session) ORDER BY p.kind, p.preference_key DESC
$$;

CREATE FUNCTION room.prefer(session text, kind text, choice text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE of_contact integer := core.room_need(session);
BEGIN
  INSERT INTO core.contact_preference (contact_key, kind, choice, said_by) VALUES (of_contact, prefer.kind, prefer.choice, 'the contact');
END $$;

REVOKE ALL ON FUNCTION room.messages(text), room.preferences(text), room.prefer(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION room.messages(text), room.preferences(text), room.prefer(text, text, text) TO trust_room;
