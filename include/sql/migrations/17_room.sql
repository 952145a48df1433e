-- The trusts' own room: contacts of trusts, their links, sessions and actions, what they send, and what each may see.
-- The room's process logs in as trust_room, which may read no table and no view. It calls the functions of schema room; each asks for a
-- session's token, finds its contact and the contact's trusts by itself, and gives or takes what is theirs. Whoever has no token sees
-- nothing, and the hash that is kept here opens nothing.

CREATE SCHEMA room;
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trust_room') THEN CREATE ROLE trust_room LOGIN; END IF;
END $$;
ALTER ROLE trust_room CONNECTION LIMIT 50;
ALTER ROLE trust_room SET statement_timeout = '30s';
ALTER ROLE trust_room SET lock_timeout = '5s';
ALTER ROLE trust_room SET idle_in_transaction_session_timeout = '1min';

CREATE TABLE core.contact (
  contact_key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  mail text NOT NULL UNIQUE CHECK (mail = lower(mail) AND mail ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
  name text NOT NULL CHECK (btrim(name) <> ''),
  added_at timestamptz NOT NULL DEFAULT clock_timestamp(), added_by text NOT NULL,
  left_at timestamptz);  -- set when a contact leaves; NULL again when they are added again

CREATE TABLE core.contact_provider (
  contact_key integer NOT NULL REFERENCES core.contact, ods_code text NOT NULL,
  since timestamptz NOT NULL DEFAULT clock_timestamp(), until timestamptz,
  may_sign boolean NOT NULL DEFAULT false,  -- the trust's named officer, who signs off figures before they are published
  PRIMARY KEY (contact_key, ods_code, since));
CREATE UNIQUE INDEX contact_provider_now ON core.contact_provider (contact_key, ods_code) WHERE until IS NULL;
CREATE INDEX contact_provider_code ON core.contact_provider (ods_code);

-- Requests for a link, by which they are limited; of addresses that no contact has, too.
CREATE TABLE core.room_ask (
  ask_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_key integer REFERENCES core.contact,
  came_from text NOT NULL, asked_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX room_ask_from ON core.room_ask (came_from, asked_at);
CREATE INDEX room_ask_contact ON core.room_ask (contact_key, asked_at);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.room_ask FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.room_link (
  link_hash text PRIMARY KEY, contact_key integer NOT NULL REFERENCES core.contact,  -- SHA-256 of the token, as hex
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(), expires_at timestamptz NOT NULL);
CREATE INDEX room_link_contact ON core.room_link (contact_key);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.room_link FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.room_link_use (  -- the key makes sure that a link is used once
  link_hash text PRIMARY KEY REFERENCES core.room_link, used_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.room_link_use FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.room_session (
  session_hash text PRIMARY KEY, contact_key integer NOT NULL REFERENCES core.contact,  -- SHA-256 of the token, as hex
  began_at timestamptz NOT NULL DEFAULT clock_timestamp(), expires_at timestamptz NOT NULL, came_from text NOT NULL);
CREATE INDEX room_session_contact ON core.room_session (contact_key);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.room_session FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.room_session_end (
  session_hash text PRIMARY KEY REFERENCES core.room_session, ended_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.room_session_end FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.room_action (
  action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_key integer NOT NULL REFERENCES core.contact,
  action text NOT NULL CHECK (action IN ('added', 'link sent', 'link made', 'signed in', 'signed out', 'renamed', 'left', 'trusts changed',
                                         'checked a file', 'sent a file', 'took a file', 'took a report', 'answered findings',
                                         'looked', 'commented', 'asked for a correction', 'signed off', 'may sign', 'may no longer sign')),
  about text NOT NULL DEFAULT '', done_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX room_action_contact ON core.room_action (contact_key, done_at);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.room_action FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- A file that was uploaded and not sent: its bytes lie in the object store until it is sent, or for two hours.
CREATE TABLE core.room_draft (
  draft_id text PRIMARY KEY, contact_key integer NOT NULL REFERENCES core.contact,
  session_hash text NOT NULL REFERENCES core.room_session,
  file_name text NOT NULL CHECK (file_name !~ '[/\\[:cntrl:]]' AND length(file_name) BETWEEN 1 AND 200),
  sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'), bytes bigint NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(), expires_at timestamptz NOT NULL);
CREATE INDEX room_draft_session ON core.room_draft (session_hash);
CREATE INDEX room_draft_contact ON core.room_draft (contact_key, made_at);
CREATE INDEX room_draft_expires ON core.room_draft (expires_at);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.room_draft FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- What a contact sends: written before the file is put into the inbox; the receipt after. A sending without either is made up.
CREATE TABLE core.room_sending (
  draft_id text PRIMARY KEY REFERENCES core.room_draft,
  collection text NOT NULL REFERENCES core.collection, period text NOT NULL, sender text NOT NULL, part text NOT NULL,
  inbox_key text NOT NULL UNIQUE,
  read_as jsonb NOT NULL CHECK (jsonb_typeof(read_as) = 'object'),  -- layout, verdict, rows: what the check said
  began_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.room_sending FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.room_receipt (
  draft_id text PRIMARY KEY REFERENCES core.room_sending, received_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.room_receipt FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.room_sending_lost (
  draft_id text PRIMARY KEY REFERENCES core.room_sending, noticed_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.room_sending_lost FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Tokens, and who has them -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION core.room_token() RETURNS text LANGUAGE sql VOLATILE AS $$  -- 244 random bits, as hex
  SELECT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
$$;

CREATE FUNCTION core.room_hash(token text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT encode(sha256(convert_to(coalesce(token, ''), 'UTF8')), 'hex')
$$;

-- The contact of a session that holds; NULL where none does.
CREATE FUNCTION core.room_contact(session text) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT s.contact_key FROM core.room_session s JOIN core.contact c USING (contact_key)
  WHERE s.session_hash = core.room_hash(session) AND s.expires_at > now() AND c.left_at IS NULL
    AND NOT EXISTS (SELECT FROM core.room_session_end e WHERE e.session_hash = s.session_hash)
$$;

-- The contact's trusts, and those that took them over.
CREATE FUNCTION core.room_codes(of_contact integer) RETURNS text[] LANGUAGE sql STABLE AS $$
  WITH RECURSIVE mine (code) AS (
    SELECT p.ods_code FROM core.contact_provider p WHERE p.contact_key = of_contact AND p.until IS NULL
    UNION
    SELECT s.to_code FROM core.succession s JOIN mine m ON m.code = s.from_code
    WHERE s.type IN ('merger', 'acquisition', 'rename') AND s.legal_date <= core.today())
  SELECT coalesce(array_agg(code ORDER BY code), '{}') FROM mine
$$;

-- As `room_contact`, and refused where none holds: for what changes something.
CREATE FUNCTION core.room_need(session text) RETURNS integer LANGUAGE plpgsql STABLE AS $$
DECLARE found_key integer := core.room_contact(session);
BEGIN
  IF found_key IS NULL THEN PERFORM core.refuse('You are not signed in, or your session has ended. Sign in again.'); END IF;
  RETURN found_key;
END $$;

CREATE FUNCTION core.room_make_link(of_contact integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE token text := core.room_token();
BEGIN
  INSERT INTO core.room_link (link_hash, contact_key, expires_at) VALUES (core.room_hash(token), of_contact, now() + interval '15 minutes');
  RETURN token;
END $$;

-- Mails are queued in the transaction that they tell about (core.message: 18_messages.sql).
CREATE FUNCTION core.room_queue(of_contact integer, of_kind text, what text, title text, as_text text, as_html text, until timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO core.message (kind, about, mail, name, subject, body_text, body_html, not_after)
  SELECT of_kind, what, c.mail, c.name, title, as_text, as_html, until FROM core.contact c WHERE c.contact_key = of_contact
  ON CONFLICT DO NOTHING;
END $$;

-- Signing in -------------------------------------------------------------------------------------------------------------------------

-- Mails a link to a contact of this address. It says nothing of whether there is one. {link} in the bodies becomes the token, which
-- nobody but the mail gets.
CREATE FUNCTION room.ask_for_link(address text, came_from text, subject text, body_text text, body_html text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer; token text; asked int;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('room ' || came_from));
  SELECT count(*) INTO asked FROM core.room_ask a WHERE a.came_from = ask_for_link.came_from AND a.asked_at > now() - interval '15 minutes';
  IF asked >= 20 THEN PERFORM core.refuse('Too many links were asked for from your network. Wait 15 minutes, then try again.'); END IF;
  SELECT c.contact_key INTO found_key FROM core.contact c WHERE c.mail = lower(btrim(address)) AND c.left_at IS NULL FOR UPDATE;
  SELECT count(*) INTO asked FROM core.room_ask a WHERE a.contact_key = found_key AND a.asked_at > now() - interval '1 hour';
  INSERT INTO core.room_ask (contact_key, came_from) VALUES (found_key, ask_for_link.came_from);
  IF found_key IS NULL OR asked >= 5 THEN RETURN; END IF;
  token := core.room_make_link(found_key);
  PERFORM core.room_queue(found_key, 'sign_in_link', core.room_hash(token), subject, replace(body_text, '{link}', token),
                          replace(body_html, '{link}', token), now() + interval '15 minutes');
  INSERT INTO core.room_action (contact_key, action, about) VALUES (found_key, 'link sent', 'asked for from ' || came_from);
END $$;

-- Begins a session of eight hours and notes how the contact came in; the session's secret.
CREATE FUNCTION core.room_new_session(of_contact integer, came_from text, how text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE token text := core.room_token();
BEGIN
  INSERT INTO core.room_session (session_hash, contact_key, expires_at, came_from)
  VALUES (core.room_hash(token), of_contact, now() + interval '8 hours', room_new_session.came_from);
  INSERT INTO core.room_action (contact_key, action, about) VALUES (of_contact, 'signed in', how);
  RETURN token;
END $$;

-- A session for a link that is used for the first time within its 15 minutes; NULL for any other.
CREATE FUNCTION room.begin_session(link text, came_from text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer;
BEGIN
  SELECT l.contact_key INTO found_key FROM core.room_link l JOIN core.contact c USING (contact_key)
  WHERE l.link_hash = core.room_hash(link) AND l.expires_at > now() AND c.left_at IS NULL;
  IF found_key IS NULL THEN RETURN NULL; END IF;
  INSERT INTO core.room_link_use (link_hash) VALUES (core.room_hash(link)) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN NULL; END IF;
  RETURN core.room_new_session(found_key, begin_session.came_from, 'from ' || begin_session.came_from);
END $$;

-- A session for the contact of an address that an OpenID Connect provider has verified; NULL where there is none. The room's role may call
-- it only where such a provider is configured (stores/warehouse.migrate): whoever may, may sign in as anybody.
CREATE FUNCTION room.begin_session_of(address text, provider text, came_from text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer;
BEGIN
  SELECT c.contact_key INTO found_key FROM core.contact c WHERE c.mail = lower(btrim(address)) AND c.left_at IS NULL;
  IF found_key IS NULL THEN RETURN NULL; END IF;
  RETURN core.room_new_session(found_key, begin_session_of.came_from, format('from %s, by %s', begin_session_of.came_from, provider));
END $$;

CREATE FUNCTION room.end_session(session text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer := core.room_contact(session);
BEGIN
  IF found_key IS NULL THEN RETURN; END IF;
  INSERT INTO core.room_session_end (session_hash) VALUES (core.room_hash(session)) ON CONFLICT DO NOTHING;
  INSERT INTO core.room_action (contact_key, action) VALUES (found_key, 'signed out');
END $$;

-- The contact ------------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION room.me(session text)
RETURNS TABLE (contact_key integer, mail text, name text, codes text[], added_at timestamptz, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.contact_key, c.mail, c.name, core.room_codes(c.contact_key), c.added_at, s.expires_at
  FROM core.contact c JOIN core.room_session s ON s.session_hash = core.room_hash(session)
  WHERE c.contact_key = core.room_contact(session)
$$;

CREATE FUNCTION room.trusts(session text) RETURNS TABLE (code text, name text, open_to date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.code, coalesce(p.provider_name, m.code), p.open_to
  FROM unnest(core.room_codes(core.room_contact(session))) AS m (code) LEFT JOIN published.providers p ON p.provider_code = m.code ORDER BY 1
$$;

CREATE FUNCTION room.actions(session text) RETURNS TABLE (action text, about text, done_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.action, a.about, a.done_at FROM core.room_action a WHERE a.contact_key = core.room_contact(session)
  ORDER BY a.action_id DESC LIMIT 50
$$;

CREATE FUNCTION room.note(session text, action text, about text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO core.room_action (contact_key, action, about) VALUES (core.room_need(session), note.action, note.about);
END $$;

CREATE FUNCTION room.rename_me(session text, new_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer := core.room_need(session);
BEGIN
  IF btrim(coalesce(new_name, '')) = '' OR length(new_name) > 100 THEN
    PERFORM core.refuse('Enter your name, in up to 100 characters.'); END IF;
  UPDATE core.contact SET name = btrim(new_name) WHERE contact_key = found_key AND name <> btrim(new_name);
  IF FOUND THEN INSERT INTO core.room_action (contact_key, action) VALUES (found_key, 'renamed'); END IF;
END $$;

CREATE FUNCTION room.leave(session text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer := core.room_need(session);
BEGIN
  INSERT INTO core.room_action (contact_key, action, about) VALUES (found_key, 'left', 'by their own wish');
  UPDATE core.contact SET left_at = clock_timestamp() WHERE contact_key = found_key;
  UPDATE core.contact_provider SET until = clock_timestamp() WHERE contact_key = found_key AND until IS NULL;
END $$;

-- Sending ----------------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION room.add_draft(session text, draft_id text, file_name text, sha256 text, bytes bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer := core.room_need(session); many int;
BEGIN
  SELECT count(*) INTO many FROM core.room_draft d WHERE d.contact_key = found_key AND d.made_at > now() - interval '1 hour';
  IF many >= 100 THEN PERFORM core.refuse('You checked 100 files within an hour. Wait a while, then go on.'); END IF;
  INSERT INTO core.room_draft (draft_id, contact_key, session_hash, file_name, sha256, bytes, expires_at)
  VALUES (add_draft.draft_id, found_key, core.room_hash(session), add_draft.file_name, add_draft.sha256, add_draft.bytes, now() + interval '2 hours');
  INSERT INTO core.room_action (contact_key, action, about) VALUES (found_key, 'checked a file', add_draft.file_name);
END $$;

-- The draft of this contact's session.
CREATE FUNCTION room.draft(session text, of_draft text)
RETURNS TABLE (draft_id text, contact_key integer, file_name text, sha256 text, bytes bigint, made_at timestamptz, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.draft_id, d.contact_key, d.file_name, d.sha256, d.bytes, d.made_at, d.expires_at FROM core.room_draft d
  WHERE d.draft_id = of_draft AND d.contact_key = core.room_contact(session) AND d.session_hash = core.room_hash(session)
    AND d.expires_at > now()
$$;

-- Notes that a draft is to be sent, with what its contact answers to what was found in it, and says under which name it goes into the
-- inbox: below its trust's own code. Answers: [{kind, rule_id, sheet, line, column_name, raw_value, message, reason_code, new_value, note}].
CREATE FUNCTION room.begin_sending(session text, draft_id text, collection text, period text, sender text, part text, read_as jsonb,
                                   answers jsonb DEFAULT '[]')
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer := core.room_need(session); d record; place text;
BEGIN
  SELECT * INTO d FROM core.room_draft r WHERE r.draft_id = begin_sending.draft_id AND r.contact_key = found_key
    AND r.session_hash = core.room_hash(session) AND r.expires_at > now();
  IF NOT FOUND THEN PERFORM core.refuse('This file is no longer here. Choose it and check it again.'); END IF;
  IF NOT coalesce(begin_sending.sender = ANY(core.room_codes(found_key)), false) THEN
    PERFORM core.refuse(format('The file is from %s, which is not your trust. It was not sent.', coalesce(begin_sending.sender, 'nobody')));
  END IF;
  IF NOT EXISTS (SELECT FROM core.collection k WHERE k.collection = begin_sending.collection AND k.kind = 'each_trust') THEN
    PERFORM core.refuse(format('%s is not sent by trusts.', begin_sending.collection)); END IF;
  place := format('%s/%s/%s/%s', begin_sending.collection, begin_sending.sender, d.draft_id, d.file_name);
  INSERT INTO core.room_sending (draft_id, collection, period, sender, part, inbox_key, read_as)
  VALUES (d.draft_id, begin_sending.collection, begin_sending.period, begin_sending.sender, begin_sending.part, place, begin_sending.read_as)
  ON CONFLICT DO NOTHING;
  IF FOUND THEN PERFORM core.room_keep_answers(found_key, d.draft_id, d.file_name, answers); END IF;
  RETURN place;
END $$;

-- Gives the receipt of a file that lies in the inbox, once, and queues its mail. For the room's process, which alone can see the inbox.
CREATE FUNCTION room.give_receipt(draft_id text, subject text, body_text text, body_html text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE of_contact integer; name_of_file text;
BEGIN
  INSERT INTO core.room_receipt (draft_id) VALUES (give_receipt.draft_id) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT d.contact_key, d.file_name INTO of_contact, name_of_file FROM core.room_draft d WHERE d.draft_id = give_receipt.draft_id;
  PERFORM core.room_queue(of_contact, 'receipt', give_receipt.draft_id, subject, body_text, body_html, NULL);
  INSERT INTO core.room_action (contact_key, action, about) VALUES (of_contact, 'sent a file', name_of_file);
  RETURN true;
END $$;

-- What was begun and has no receipt: for the sweep, which looks whether its file is there.
CREATE FUNCTION room.unfinished()
RETURNS TABLE (draft_id text, contact_key integer, file_name text, sha256 text, bytes bigint, collection text, period text, sender text,
               inbox_key text, read_as jsonb, began_at timestamptz, is_expired boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.draft_id, d.contact_key, d.file_name, d.sha256, d.bytes, s.collection, s.period, s.sender, s.inbox_key, s.read_as, s.began_at,
         d.expires_at < now()
  FROM core.room_sending s JOIN core.room_draft d USING (draft_id)
  WHERE NOT EXISTS (SELECT FROM core.room_receipt r WHERE r.draft_id = s.draft_id)
    AND NOT EXISTS (SELECT FROM core.room_sending_lost l WHERE l.draft_id = s.draft_id)
$$;

CREATE FUNCTION room.give_up(draft_id text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO core.room_sending_lost (draft_id) SELECT s.draft_id FROM core.room_sending s
  WHERE s.draft_id = give_up.draft_id AND NOT EXISTS (SELECT FROM core.room_receipt r WHERE r.draft_id = s.draft_id) ON CONFLICT DO NOTHING
$$;

-- Drafts whose bytes may go: sent, expired or of a session that has ended; of the last days only, so that the list stays short.
CREATE FUNCTION room.drafts_to_remove() RETURNS TABLE (draft_id text, contact_key integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.draft_id, d.contact_key FROM core.room_draft d
  WHERE d.expires_at > now() - interval '2 days'
    AND (d.expires_at < now() - interval '5 minutes' OR EXISTS (SELECT FROM core.room_receipt r WHERE r.draft_id = d.draft_id)
         OR EXISTS (SELECT FROM core.room_session_end e WHERE e.session_hash = d.session_hash))
    AND NOT EXISTS (SELECT FROM core.room_sending s WHERE s.draft_id = d.draft_id
                    AND NOT EXISTS (SELECT FROM core.room_receipt r WHERE r.draft_id = d.draft_id)
                    AND NOT EXISTS (SELECT FROM core.room_sending_lost l WHERE l.draft_id = d.draft_id))
$$;

-- Receipts of the contact's trusts, whoever of them sent the file.
CREATE FUNCTION room.receipts(session text, of_draft text DEFAULT NULL)
RETURNS TABLE (draft_id text, file_name text, sha256 text, bytes bigint, collection text, period text, sender text, read_as jsonb,
               began_at timestamptz, received_at timestamptz, is_lost boolean, sent_by text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.draft_id, d.file_name, d.sha256, d.bytes, s.collection, s.period, s.sender, s.read_as, s.began_at, r.received_at,
         l.draft_id IS NOT NULL, c.name
  FROM core.room_sending s JOIN core.room_draft d USING (draft_id) JOIN core.contact c USING (contact_key)
  LEFT JOIN core.room_receipt r USING (draft_id) LEFT JOIN core.room_sending_lost l USING (draft_id)
  WHERE s.sender = ANY(core.room_codes(core.room_contact(session))) AND (of_draft IS NULL OR s.draft_id = of_draft)
  ORDER BY s.began_at DESC LIMIT 200
$$;

-- Seeing -----------------------------------------------------------------------------------------------------------------------------
-- A query for each trust, so that PostgreSQL plans it for one sender.

-- Every return of the contact's trusts. who: trust or us, where it is held.
CREATE FUNCTION room.returns(session text)
RETURNS TABLE (collection text, period text, sender text, part text, due timestamptz, closes timestamptz, submission_id text, version int,
               received_at timestamptz, is_sample boolean, counting text, state text, is_returned boolean, waits_for_trust boolean,
               is_proposed boolean, replies bigint, refused_replies bigint, release_id text, published_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE mine text;
BEGIN
  FOREACH mine IN ARRAY core.room_codes(core.room_contact(session)) LOOP
    RETURN QUERY
      SELECT b.collection, b.period, b.sender, b.part, b.due, b.closes, b.submission_id, b.version, b.received_at, b.is_sample, b.counting,
             b.state,
             EXISTS (SELECT FROM intake.decisions d WHERE d.submission_id = b.submission_id AND d.kind = 'return' AND d.state = 'in_force'),
             b.state = 'held' AND EXISTS (SELECT FROM intake.finding_counts f WHERE f.submission_id = b.submission_id AND f.severity = 'hold'
                                          AND f.covered < f.findings AND f.responsible = 'trust'),
             EXISTS (SELECT FROM intake.decisions d WHERE d.submission_id = b.submission_id AND d.state = 'proposed'),
             (SELECT count(*) FROM intake.replies a WHERE a.submission_id = b.submission_id AND a.state IN ('waiting', 'open', 'proposed')),
             (SELECT count(*) FROM intake.replies a WHERE a.submission_id = b.submission_id AND a.state = 'refused' AND a.finding_id IS NOT NULL
              AND NOT EXISTS (SELECT FROM intake.replies l WHERE l.submission_id = a.submission_id AND l.finding_id = a.finding_id
                              AND l.reply_id > a.reply_id)),
             CASE WHEN b.counting = ANY(r.submissions) THEN r.release_id END, CASE WHEN b.counting = ANY(r.submissions) THEN p.published_at END
      FROM intake.board b
      LEFT JOIN core.current_release p ON p.collection = b.collection AND p.period = b.period
      LEFT JOIN core.release r ON r.release_key = p.release_key
      WHERE b.sender = mine;
  END LOOP;
END $$;

-- What was received of the contact's trusts, newest first.
CREATE FUNCTION room.submissions(session text, of_collection text DEFAULT NULL, of_period text DEFAULT NULL)
RETURNS TABLE (submission_id text, collection text, period text, sender text, part text, version int, file_name text, sha256 text, state text,
               rows_read bigint, rows_recorded bigint, rows_rejected bigint, rows_held bigint, received_at timestamptz, is_current boolean,
               is_newest boolean, is_returned boolean, is_sample boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE mine text;
BEGIN
  FOREACH mine IN ARRAY core.room_codes(core.room_contact(session)) LOOP
    RETURN QUERY
      SELECT s.submission_id, s.collection, s.period, s.sender, s.part, s.version, s.file_name, s.sha256, s.state, s.rows_read,
             s.rows_recorded, s.rows_rejected, s.rows_held, s.received_at, s.is_current, s.is_newest, s.is_returned, s.is_sample
      FROM intake.submissions s
      WHERE s.sender = mine AND (of_collection IS NULL OR s.collection = of_collection) AND (of_period IS NULL OR s.period = of_period)
      ORDER BY s.received_at DESC, s.version DESC LIMIT 500;
  END LOOP;
END $$;

-- One submission, where it is of the contact's trusts.
CREATE FUNCTION room.submission(session text, of_submission text)
RETURNS TABLE (submission_id text, collection text, period text, sender text, part text, version int, file_name text, sha256 text, state text,
               rows_read bigint, rows_recorded bigint, rows_rejected bigint, rows_held bigint, received_at timestamptz, is_current boolean,
               is_newest boolean, is_returned boolean, is_sample boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.submission_id, s.collection, s.period, s.sender, s.part, s.version, s.file_name, s.sha256, s.state, s.rows_read,
         s.rows_recorded, s.rows_rejected, s.rows_held, s.received_at, s.is_current, s.is_newest, s.is_returned, s.is_sample
  FROM intake.submissions s WHERE s.submission_id = of_submission AND s.sender = ANY(core.room_codes(core.room_contact(session)))
$$;

-- Its findings: those that are listed, the gravest first.
CREATE FUNCTION room.findings(session text, of_submission text, most int DEFAULT 200)
RETURNS TABLE (finding_id text, rule_id text, severity text, responsible text, sheet text, line bigint, column_name text, raw_value text,
               message text, is_passed_over boolean, scope text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT f.finding_id, f.rule_id, f.severity, f.responsible, f.sheet, f.line, f.column_name, f.raw_value, f.message,
         f.decision_id IS NOT NULL, f.scope
  FROM intake.findings f
  WHERE f.submission_id = (SELECT s.submission_id FROM room.submission(session, of_submission) s)
  ORDER BY array_position(ARRAY['hold', 'reject', 'warn', 'info'], f.severity), f.number NULLS FIRST, f.line LIMIT most
$$;

CREATE FUNCTION room.finding_counts(session text, of_submission text)
RETURNS TABLE (rule_id text, severity text, responsible text, column_name text, findings bigint, passed_over bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT f.rule_id, f.severity, f.responsible, f.column_name, f.findings, f.covered FROM intake.finding_counts f
  WHERE f.submission_id = (SELECT s.submission_id FROM room.submission(session, of_submission) s)
  ORDER BY array_position(ARRAY['hold', 'reject', 'warn', 'info'], f.severity), f.findings DESC
$$;

-- What stewards decided on a submission of the contact's trusts; neither comments among stewards nor what is only proposed.
CREATE FUNCTION room.decisions(session text, of_submission text)
RETURNS TABLE (kind text, state text, rule_id text, column_name text, new_value text, reason text, until date, decided_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.kind, d.state, d.rule_id, d.column_name, d.new_value, d.reason, d.until, d.decided_at FROM intake.decisions d
  WHERE d.submission_id = (SELECT s.submission_id FROM room.submission(session, of_submission) s)
    AND d.kind IN ('accept', 'waive', 'correct', 'hold', 'return') AND d.state IN ('in_force', 'ended')
  ORDER BY d.decision_id DESC
$$;

-- The newest published figures of the contact's trusts.
CREATE FUNCTION room.figures(session text)
RETURNS TABLE (provider_code text, collection text, metric_id text, metric_name text, period text, value double precision, unit text,
               polarity text, peer_group text, peers bigint, lower_quartile double precision, median double precision,
               upper_quartile double precision, percentile_rank double precision, quartile int, opportunity_gbp double precision,
               completeness double precision, quality_flag text, suppressed boolean, withheld text, reason text, rank_withheld text,
               release_id text, published_at timestamptz, is_sample boolean, lower double precision, upper double precision,
               compared text, rank_lowest double precision, rank_highest double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE mine text;
BEGIN
  FOREACH mine IN ARRAY core.room_codes(core.room_contact(session)) LOOP
    RETURN QUERY
      SELECT l.provider_code, l.collection, l.metric_id, l.metric_name, l.period, l.value, l.unit, l.polarity, l.peer_group,
             l.peers_with_value::bigint, l.lower_quartile, l.median, l.upper_quartile, l.percentile_rank, l.quartile, l.opportunity_gbp,
             l.completeness, l.quality_flag, l.suppressed, l.withheld, l.reason, l.rank_withheld, l.release_id, l.published_at, l.is_sample,
             l.lower, l.upper, l.compared, l.rank_lowest, l.rank_highest
      FROM published.latest l WHERE l.provider_code = mine ORDER BY l.collection, l.metric_id;
  END LOOP;
END $$;

-- One metric of the contact's trusts over time.
CREATE FUNCTION room.series(session text, of_provider text, of_metric text)
RETURNS TABLE (period text, value double precision, unit text, median double precision, lower_quartile double precision,
               upper_quartile double precision, quartile int, withheld text, reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT f.period, f.value, f.unit, f.median, f.lower_quartile, f.upper_quartile, f.quartile, f.withheld, f.reason
  FROM published.figures f
  WHERE f.provider_code = of_provider AND f.metric_id = of_metric AND of_provider = ANY(core.room_codes(core.room_contact(session)))
  ORDER BY f.period_start DESC LIMIT 36
$$;

-- For operators ----------------------------------------------------------------------------------------------------------------------

-- Adds a contact, or a trust to one; one who left is back, with these trusts only.
CREATE FUNCTION core.add_contact(address text, called text, codes text[], person text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer;
BEGIN
  INSERT INTO core.contact (mail, name, added_by) 
  VALUES (lower(btrim(address)), coalesce(nullif(btrim(called), ''), split_part(btrim(address), '@', 1)), person)
  ON CONFLICT (mail) DO UPDATE SET name = coalesce(nullif(btrim(called), ''), contact.name), left_at = NULL
  RETURNING contact_key INTO found_key;
  INSERT INTO core.contact_provider (contact_key, ods_code) SELECT found_key, unnest(codes) ON CONFLICT DO NOTHING;
  INSERT INTO core.room_action (contact_key, action, about) VALUES (found_key, 'added', format('%s by %s', array_to_string(codes, ', '), person));
  RETURN found_key;
END $$;

-- Ends all of a contact's rights, or those for one trust; NULL where there is no such contact.
CREATE FUNCTION core.end_contact(address text, code text, person text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer;
BEGIN
  SELECT c.contact_key INTO found_key FROM core.contact c WHERE c.mail = lower(btrim(address)) AND c.left_at IS NULL;
  IF found_key IS NULL THEN RETURN NULL; END IF;
  UPDATE core.contact_provider p SET until = clock_timestamp()
  WHERE p.contact_key = found_key AND p.until IS NULL AND (code IS NULL OR p.ods_code = code);
  IF NOT EXISTS (SELECT FROM core.contact_provider p WHERE p.contact_key = found_key AND p.until IS NULL) THEN
    UPDATE core.contact SET left_at = clock_timestamp() WHERE contact_key = found_key;
  END IF;
  INSERT INTO core.room_action (contact_key, action, about)
  VALUES (found_key, CASE WHEN code IS NULL THEN 'left' ELSE 'trusts changed' END, concat_ws(' ', 'without', code, 'by', person));
  RETURN found_key;
END $$;

-- A link for an operator to hand over, where no mail goes out; NULL where there is no such contact.
CREATE FUNCTION core.link_of_contact(address text, person text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer;
BEGIN
  SELECT c.contact_key INTO found_key FROM core.contact c WHERE c.mail = lower(btrim(address)) AND c.left_at IS NULL;
  IF found_key IS NULL THEN RETURN NULL; END IF;
  INSERT INTO core.room_action (contact_key, action, about) VALUES (found_key, 'link made', 'by ' || person);
  RETURN core.room_make_link(found_key);
END $$;

-- What operators and stewards see of contacts: no address, which only `contacts list` shows.
CREATE VIEW intake.room_actions AS
SELECT a.action_id, c.name, ARRAY(SELECT p.ods_code FROM core.contact_provider p WHERE p.contact_key = a.contact_key AND p.until IS NULL
                                  ORDER BY 1) AS codes, a.action, a.about, a.done_at
FROM core.room_action a JOIN core.contact c USING (contact_key);
COMMENT ON VIEW intake.room_actions IS 'What contacts of trusts did in their room, and what was done for them: every sign-in, every file.';
COMMENT ON COLUMN intake.room_actions.action_id IS 'The action.';
COMMENT ON COLUMN intake.room_actions.name IS 'Who.';
COMMENT ON COLUMN intake.room_actions.codes IS 'The trusts that the contact acts for now, by ODS code.';
COMMENT ON COLUMN intake.room_actions.action IS 'What: signed in, sent a file and the like.';
COMMENT ON COLUMN intake.room_actions.about IS 'The file, or where the request came from.';
COMMENT ON COLUMN intake.room_actions.done_at IS 'When.';

CREATE VIEW intake.room_sendings AS
SELECT s.draft_id AS sending_id, s.collection, s.period, s.sender, d.file_name, d.sha256, d.bytes, s.inbox_key, s.began_at, r.received_at,
       l.draft_id IS NOT NULL AS is_lost, c.name AS sent_by
FROM core.room_sending s JOIN core.room_draft d USING (draft_id) JOIN core.contact c USING (contact_key)
LEFT JOIN core.room_receipt r USING (draft_id) LEFT JOIN core.room_sending_lost l USING (draft_id);
COMMENT ON VIEW intake.room_sendings IS 'Files that contacts sent from their room, with their receipts.';
COMMENT ON COLUMN intake.room_sendings.sending_id IS 'The number of the receipt.';
COMMENT ON COLUMN intake.room_sendings.collection IS 'The collection that it was read as.';
COMMENT ON COLUMN intake.room_sendings.period IS 'The month (2024-04) or financial year (2016-17) that it is about.';
COMMENT ON COLUMN intake.room_sendings.sender IS 'The trust that it is from, by ODS code.';
COMMENT ON COLUMN intake.room_sendings.file_name IS 'Its name, as the contact gave it.';
COMMENT ON COLUMN intake.room_sendings.sha256 IS 'SHA-256 of its bytes.';
COMMENT ON COLUMN intake.room_sendings.bytes IS 'Size of the file in bytes.';
COMMENT ON COLUMN intake.room_sendings.inbox_key IS 'Where the file was put in the inbox.';
COMMENT ON COLUMN intake.room_sendings.began_at IS 'When the contact pressed send.';
COMMENT ON COLUMN intake.room_sendings.received_at IS 'When the file was safe in the inbox; NULL where it is not.';
COMMENT ON COLUMN intake.room_sendings.is_lost IS 'True where it never got there, and the contact was told to send it again.';
COMMENT ON COLUMN intake.room_sendings.sent_by IS 'The contact who sent it.';

-- Rights: the functions of schema room, for the room's role alone.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA room FROM PUBLIC;
REVOKE ALL ON FUNCTION core.add_contact(text, text, text[], text), core.end_contact(text, text, text), core.link_of_contact(text, text),
  core.room_token(), core.room_hash(text), core.room_contact(text), core.room_need(text), core.room_codes(integer), core.room_make_link(integer), core.room_new_session(integer, text, text),
  core.room_queue(integer, text, text, text, text, text, timestamptz) FROM PUBLIC;
GRANT USAGE ON SCHEMA room TO trust_room;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA room TO trust_room;
REVOKE EXECUTE ON FUNCTION room.begin_session_of(text, text, text) FROM trust_room;
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pipeline') THEN
    GRANT EXECUTE ON FUNCTION core.add_contact(text, text, text[], text), core.end_contact(text, text, text), core.link_of_contact(text, text)
      TO pipeline;
  END IF;
END $$;
