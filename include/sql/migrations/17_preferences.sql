-- What contacts of trusts want to be told and how; and what they were sent, for the room.

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
