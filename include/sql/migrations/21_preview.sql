-- Figures before they are published: what each trust sees of its own, and what its contacts said to it.

-- looked: once for each contact. The others are said as often as somebody wants to, a sign-off once for each trust.
CREATE TABLE core.preview_response (
  response_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  preview_id int NOT NULL, provider_code text NOT NULL, contact_key integer NOT NULL REFERENCES core.contact,
  response text NOT NULL CHECK (response IN ('looked', 'commented', 'asked for a correction', 'signed off')),
  words text NOT NULL DEFAULT '' CHECK (length(words) <= 2000), given_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (response IN ('looked', 'signed off') OR btrim(words) <> ''),
  FOREIGN KEY (preview_id, provider_code) REFERENCES core.preview_trust (preview_id, provider_code));
CREATE UNIQUE INDEX preview_response_looked ON core.preview_response (preview_id, provider_code, contact_key) WHERE response = 'looked';
CREATE UNIQUE INDEX preview_response_signed ON core.preview_response (preview_id, provider_code) WHERE response = 'signed off';
CREATE INDEX preview_response_trust ON core.preview_response (preview_id, provider_code);
CREATE INDEX preview_response_contact ON core.preview_response (contact_key);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.preview_response FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- What people said of figures before their publication is audited, too (16_audit.sql); that somebody looked is not.
CREATE OR REPLACE VIEW core.audited AS
SELECT 'decision' AS of_table, d.decision_id::text AS row_key, d.decided_at AS since, core.audit_content(d) AS content FROM core.decision d
UNION ALL
SELECT 'verdict', v.decision_id::text, v.given_at, core.audit_content(v) FROM core.verdict v
UNION ALL
SELECT 'release_verdict', v.verdict_id::text, v.given_at, core.audit_content(v) FROM core.release_verdict v
UNION ALL
SELECT 'preview_extension', x.extension_id::text, x.said_at, core.audit_content(x) FROM core.preview_extension x
UNION ALL
SELECT 'preview_response', s.response_id::text, s.given_at, core.audit_content(s) FROM core.preview_response s WHERE s.response <> 'looked';
CREATE CONSTRAINT TRIGGER audited AFTER INSERT ON core.preview_extension DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION core.note_in_audit('extension_id');
CREATE CONSTRAINT TRIGGER audited AFTER INSERT ON core.preview_response DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.response <> 'looked') EXECUTE FUNCTION core.note_in_audit('response_id');

-- The trusts for which a contact may sign: those where they are the named officer, and those that took them over.
CREATE FUNCTION core.room_signs(of_contact integer) RETURNS text[] LANGUAGE sql STABLE AS $$
  WITH RECURSIVE mine (code) AS (
    SELECT p.ods_code FROM core.contact_provider p WHERE p.contact_key = of_contact AND p.until IS NULL AND p.may_sign
    UNION
    SELECT s.to_code FROM core.succession s JOIN mine m ON m.code = s.from_code
    WHERE s.type IN ('merger', 'acquisition', 'rename') AND s.legal_date <= core.today())
  SELECT coalesce(array_agg(code ORDER BY code), '{}') FROM mine
$$;

-- Says whether a contact signs for a trust. NULL where they are no contact of it.
CREATE FUNCTION core.set_signer(address text, code text, signs boolean, person text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer;
BEGIN
  UPDATE core.contact_provider p SET may_sign = signs FROM core.contact c
  WHERE c.contact_key = p.contact_key AND c.mail = lower(btrim(address)) AND c.left_at IS NULL AND p.ods_code = code AND p.until IS NULL
  RETURNING p.contact_key INTO found_key;
  IF found_key IS NULL THEN RETURN NULL; END IF;
  INSERT INTO core.room_action (contact_key, action, about)
  VALUES (found_key, CASE WHEN signs THEN 'may sign' ELSE 'may no longer sign' END, format('for %s, said by %s', code, person));
  RETURN found_key;
END $$;

-- The offers to the contact's trusts, newest first.
CREATE FUNCTION room.previews(session text)
RETURNS TABLE (preview_id int, collection text, period text, provider_code text, release_id text, offered_at timestamptz, ends_at timestamptz,
               state text, is_extended boolean, replaces_id int, edition_number int, closed_at timestamptz, is_sample boolean, may_sign boolean,
               is_open boolean, looked_at timestamptz, signed_at timestamptz, said bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.preview_id, p.collection, p.period, t.provider_code, r.release_id, p.offered_at, p.ends_at, p.state, p.extended_at IS NOT NULL,
         p.replaces_id, p.edition_number, p.closed_at, r.is_sample, t.provider_code = ANY(core.room_signs(c.contact_key)), p.outcome IS NULL,
         (SELECT min(s.given_at) FROM core.preview_response s WHERE (s.preview_id, s.provider_code) = (p.preview_id, t.provider_code)),
         (SELECT min(s.given_at) FROM core.preview_response s
          WHERE (s.preview_id, s.provider_code) = (p.preview_id, t.provider_code) AND s.response = 'signed off'),
         (SELECT count(*) FROM core.preview_response s
          WHERE (s.preview_id, s.provider_code) = (p.preview_id, t.provider_code) AND s.response IN ('commented', 'asked for a correction'))
  FROM (SELECT core.room_contact(session) AS contact_key) c
  JOIN core.preview_trust t ON t.provider_code = ANY(core.room_codes(c.contact_key))
  JOIN core.preview_now p USING (preview_id) JOIN core.release r USING (release_key)
  ORDER BY p.preview_id DESC, t.provider_code LIMIT 100
$$;

-- Those that the trust can still answer.
CREATE FUNCTION room.open_previews(session text)
RETURNS TABLE (preview_id int, collection text, period text, provider_code text, ends_at timestamptz, looked_at timestamptz, signed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.preview_id, p.collection, p.period, p.provider_code, p.ends_at, p.looked_at, p.signed_at FROM room.previews(session) p
  WHERE p.state = 'open' ORDER BY p.ends_at, p.collection, p.period
$$;

-- The figures that are offered to a trust of the contact, beside what stands now; nothing once the offer has been closed.
CREATE FUNCTION room.preview_figures(session text, of_preview int, of_provider text)
RETURNS TABLE (metric_id text, metric_name text, unit text, polarity text, value double precision, peers bigint, lower_quartile double precision,
               median double precision, upper_quartile double precision, percentile_rank double precision, quartile int,
               opportunity_gbp double precision, quality_flag text, completeness double precision, rows_sent bigint, rows_used bigint,
               months_covered int, months_expected int, suppressed boolean, withheld text, reason text, rank_withheld text, rank_reason text,
               decisions bigint[], stands_value double precision, stands_quartile int, stands_release_id text, stands_since timestamptz, lower double precision, upper double precision,
               compared text, rank_lowest double precision, rank_highest double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.metric_id, d.name, m.unit, d.polarity, m.value, b.providers::bigint, b.lower_quartile, b.median, b.upper_quartile, m.percentile_rank,
         CASE WHEN m.percentile_rank IS NOT NULL THEN least(4, floor(m.percentile_rank / 25)::int + 1) END, k.opportunity_gbp, m.quality_flag,
         m.completeness, m.rows_sent, m.rows_used, m.months_covered, m.months_expected, m.suppressed, m.withheld, w.sentence, m.rank_withheld,
         q.sentence, m.decisions, f.value, f.quartile, f.release_id, f.published_at,
         i.lower, i.upper, core.compared(d.polarity, i.lower, i.upper, b.median), i.rank_lowest, i.rank_highest
  FROM room.previews(session) o
  JOIN core.release r USING (release_id)
  JOIN core.released_measures m ON m.release_id = r.release_id AND m.provider_code = o.provider_code
  LEFT JOIN core.release_metric u ON u.release_key = r.release_key AND u.metric_id = m.metric_id
  LEFT JOIN core.metric d ON d.metric_id = u.metric_id AND d.version = u.version
  LEFT JOIN core.benchmark b ON b.release_key = r.release_key AND b.metric_id = m.metric_id AND b.peer_group = m.peer_group
  LEFT JOIN core.comparison k ON k.release_key = r.release_key AND k.metric_id = m.metric_id AND k.provider_code = m.provider_code AND k.adds_to_total
  LEFT JOIN core.reason w ON w.code = m.withheld
  LEFT JOIN core.value_interval i ON i.release_key = r.release_key AND i.metric_id = m.metric_id AND i.provider_code = m.provider_code
  LEFT JOIN core.reason q ON q.code = m.rank_withheld
  LEFT JOIN published.figures f ON (f.collection, f.period, f.metric_id, f.provider_code) = (m.collection, m.period, m.metric_id, m.provider_code)
  WHERE o.preview_id = of_preview AND o.provider_code = of_provider AND o.is_open ORDER BY m.metric_id
$$;

-- What contacts of the trust said to an offer.
CREATE FUNCTION room.preview_said(session text, of_preview int, of_provider text)
RETURNS TABLE (name text, response text, words text, given_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.name, s.response, s.words, s.given_at FROM core.preview_response s JOIN core.contact c USING (contact_key)
  WHERE s.preview_id = of_preview AND s.provider_code = of_provider AND of_provider = ANY(core.room_codes(core.room_contact(session)))
  ORDER BY s.response_id
$$;

-- A contact looks at an offer (noted once), comments, asks for a correction or signs off, for which the mail that is given is a receipt.
CREATE FUNCTION room.respond(session text, of_preview int, of_provider text, response text, words text DEFAULT '', subject text DEFAULT NULL,
                             body_text text DEFAULT NULL, body_html text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_key integer := core.room_need(session); o record; new_id bigint;
BEGIN
  SELECT p.* INTO o FROM room.previews(session) p WHERE p.preview_id = of_preview AND p.provider_code = of_provider;
  IF NOT FOUND THEN PERFORM core.refuse('There are no such figures of your trust.'); END IF;
  IF respond.response = 'looked' THEN
    IF NOT o.is_open THEN RETURN; END IF;
  ELSIF o.state = 'published' THEN PERFORM core.refuse('These figures have been published. If something is wrong, send a new file.');
  ELSIF o.state = 'replaced' THEN PERFORM core.refuse('These figures have been replaced by newer ones. Look at those.');
  ELSIF o.state NOT IN ('open', 'held') THEN PERFORM core.refuse('The time for this has ended. If something is wrong, send a new file.');
  ELSIF respond.response = 'signed off' AND NOT o.may_sign THEN
    PERFORM core.refuse('Only a named officer of your trust signs off. The people who run this collection keep the list.');
  ELSIF respond.response = 'signed off' AND o.signed_at IS NOT NULL THEN RETURN;
  END IF;
  INSERT INTO core.preview_response (preview_id, provider_code, contact_key, response, words)
  VALUES (of_preview, of_provider, found_key, respond.response, btrim(coalesce(respond.words, ''))) ON CONFLICT DO NOTHING RETURNING response_id INTO new_id;
  IF FOUND THEN
    INSERT INTO core.room_action (contact_key, action, about)
    VALUES (found_key, respond.response, format('figures of %s, %s %s, before publication', of_provider, o.collection, o.period));
    IF respond.response = 'signed off' AND respond.subject IS NOT NULL THEN
      PERFORM core.room_queue(found_key, 'signed', 'signature ' || new_id, respond.subject, respond.body_text, respond.body_html, NULL);
    END IF;
  END IF;
END $$;

CREATE VIEW intake.previews AS
SELECT p.preview_id, p.collection, p.period, r.release_id, p.offered_at, p.ends_at, p.state, p.extended_because, p.verdict_reason, p.replaces_id,
       p.edition_number, p.closed_at, r.is_sample,
       (SELECT count(*) FROM core.preview_trust t WHERE t.preview_id = p.preview_id) AS offered,
       s.looked, s.commented, s.asked, s.signed
FROM core.preview_now p JOIN core.release r USING (release_key)
CROSS JOIN LATERAL (
  SELECT count(DISTINCT s.provider_code) AS looked, count(DISTINCT s.provider_code) FILTER (WHERE s.response = 'commented') AS commented,
         count(DISTINCT s.provider_code) FILTER (WHERE s.response = 'asked for a correction') AS asked,
         count(DISTINCT s.provider_code) FILTER (WHERE s.response = 'signed off') AS signed
  FROM core.preview_response s WHERE s.preview_id = p.preview_id) s;
COMMENT ON VIEW intake.previews IS 'Releases that were shown to the trusts in them before they were published: until when, what became of it, and how many trusts looked and said something.';
COMMENT ON COLUMN intake.previews.preview_id IS 'The offer; later ones are higher.';
COMMENT ON COLUMN intake.previews.collection IS 'The collection.';
COMMENT ON COLUMN intake.previews.period IS 'The month (2024-04) or financial year (2016-17) that the figures are about.';
COMMENT ON COLUMN intake.previews.release_id IS 'The release that was offered.';
COMMENT ON COLUMN intake.previews.is_sample IS 'True for invented figures over real trust codes, never the basis of a decision.';
COMMENT ON COLUMN intake.previews.offered_at IS 'When it was offered.';
COMMENT ON COLUMN intake.previews.ends_at IS 'When the release is published, unless a person says otherwise.';
COMMENT ON COLUMN intake.previews.state IS 'open; held (a person holds it back); ended (it is published with the next refresh); published; replaced (a newer release of the same period was offered); dropped (what is published already is right again).';
COMMENT ON COLUMN intake.previews.extended_because IS 'Why a person gave the trusts more time; NULL where nobody did.';
COMMENT ON COLUMN intake.previews.verdict_reason IS 'Why a person held the release back, offered it again or released it; NULL where nobody did.';
COMMENT ON COLUMN intake.previews.replaces_id IS 'The offer whose place this one took; NULL where it was the first.';
COMMENT ON COLUMN intake.previews.edition_number IS 'The switch by which it was published; NULL where it was not.';
COMMENT ON COLUMN intake.previews.closed_at IS 'When it was published, replaced or dropped.';
COMMENT ON COLUMN intake.previews.offered IS 'How many trusts it was offered to.';
COMMENT ON COLUMN intake.previews.looked IS 'How many of them looked at it.';
COMMENT ON COLUMN intake.previews.commented IS 'How many commented.';
COMMENT ON COLUMN intake.previews.asked IS 'How many asked for a correction.';
COMMENT ON COLUMN intake.previews.signed IS 'How many signed it off.';

CREATE VIEW intake.preview_trusts AS
SELECT p.preview_id, p.collection, p.period, t.provider_code,
       (SELECT n.name FROM core.provider_name n WHERE n.code = t.provider_code ORDER BY n.valid_from DESC NULLS LAST LIMIT 1) AS provider_name,
       s.response_id, s.response, s.words, s.given_at, c.name, p.edition_number
FROM core.preview_trust t JOIN core.preview_now p USING (preview_id)
LEFT JOIN core.preview_response s ON (s.preview_id, s.provider_code) = (t.preview_id, t.provider_code) LEFT JOIN core.contact c USING (contact_key);
COMMENT ON VIEW intake.preview_trusts IS 'Who was offered a release before it was published, looked, commented, asked for a correction and signed: a row for each thing said, and one for each trust that said nothing.';
COMMENT ON COLUMN intake.preview_trusts.preview_id IS 'The offer.';
COMMENT ON COLUMN intake.preview_trusts.collection IS 'The collection.';
COMMENT ON COLUMN intake.preview_trusts.period IS 'The month (2024-04) or financial year (2016-17) that the figures are about.';
COMMENT ON COLUMN intake.preview_trusts.provider_code IS 'The trust, by ODS code.';
COMMENT ON COLUMN intake.preview_trusts.provider_name IS 'Its newest name.';
COMMENT ON COLUMN intake.preview_trusts.response_id IS 'What was said; later ones are higher. NULL where the trust said nothing.';
COMMENT ON COLUMN intake.preview_trusts.response IS 'looked, commented, asked for a correction or signed off; NULL where the trust did nothing.';
COMMENT ON COLUMN intake.preview_trusts.words IS 'In its words.';
COMMENT ON COLUMN intake.preview_trusts.given_at IS 'When.';
COMMENT ON COLUMN intake.preview_trusts.name IS 'Which contact of the trust.';
COMMENT ON COLUMN intake.preview_trusts.edition_number IS 'The switch by which the release was published; NULL where it was not, or not yet.';

REVOKE ALL ON FUNCTION room.previews(text), room.open_previews(text), room.preview_figures(text, int, text), room.preview_said(text, int, text),
  room.respond(text, int, text, text, text, text, text, text), core.room_signs(integer), core.set_signer(text, text, boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION room.previews(text), room.open_previews(text), room.preview_figures(text, int, text), room.preview_said(text, int, text),
  room.respond(text, int, text, text, text, text, text, text) TO trust_room;
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pipeline') THEN
    GRANT EXECUTE ON FUNCTION core.set_signer(text, text, boolean, text) TO pipeline;
  END IF;
END $$;
