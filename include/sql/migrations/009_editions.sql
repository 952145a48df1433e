-- Editions: one immutable set of releases over all collections and periods, checked, switched to and back as a whole; and what a
-- final period is, whose figures change in numbered revisions only. The pointers of core.current_release follow the newest switch.

CREATE TABLE core.edition (              -- named by its releases: the same set is the same edition
  edition_id text PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  previous text REFERENCES core.edition);
CREATE TABLE core.edition_release (
  edition_id text NOT NULL REFERENCES core.edition, collection text NOT NULL, period text NOT NULL,
  release_id text NOT NULL REFERENCES core.release,
  PRIMARY KEY (edition_id, collection, period));
CREATE TABLE core.edition_switch (       -- the last one says which edition is the current one
  number int PRIMARY KEY CHECK (number > 0), edition_id text NOT NULL REFERENCES core.edition,
  previous_edition_id text REFERENCES core.edition, kind text NOT NULL CHECK (kind IN ('switch', 'rollback')),
  switched_at timestamptz NOT NULL UNIQUE, releases int NOT NULL, changed int NOT NULL,
  person text,                           -- NULL: the pipeline itself
  reason text NOT NULL CHECK (btrim(reason) <> ''));

-- What was found when a release was compared with the one that stood, and what people said about releases.
CREATE TABLE core.release_check (
  release_id text NOT NULL REFERENCES core.release, against text NOT NULL,  -- the release that stood; empty: none did
  check_id text NOT NULL, subject text NOT NULL, passed boolean NOT NULL, message text NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (release_id, against, check_id, subject));
CREATE TABLE core.release_verdict (      -- the last one about a release holds
  verdict_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, release_id text NOT NULL REFERENCES core.release,
  verdict text NOT NULL CHECK (verdict IN ('released', 'withdrawn')),
  person text NOT NULL CHECK (btrim(person) <> ''), given_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  reason text NOT NULL CHECK (btrim(reason) <> ''));
CREATE INDEX release_verdict_release ON core.release_verdict (release_id, verdict_id DESC);
CREATE TABLE core.release_total (        -- a publisher's own total, and what the rows under it add up to
  release_id text NOT NULL REFERENCES core.release, subject text NOT NULL, published double precision NOT NULL,
  summed double precision NOT NULL, slack double precision NOT NULL, withheld bigint NOT NULL,
  PRIMARY KEY (release_id, subject));
CREATE TABLE core.explained (            -- core.movement has every step from the one to the other, also where there is none
  release_id text NOT NULL REFERENCES core.release, previous_release_id text NOT NULL REFERENCES core.release,
  PRIMARY KEY (release_id, previous_release_id));
INSERT INTO core.explained (release_id, previous_release_id) SELECT DISTINCT release_id, previous_release_id FROM core.movement;

-- Dates of each period, by the catalogue's calendar; what has been said stays said.
CREATE TABLE core.calendar (
  collection text NOT NULL, period text NOT NULL, due timestamptz, closes timestamptz, final_from timestamptz,
  PRIMARY KEY (collection, period));
CREATE TABLE core.revision (             -- every move of a pointer after its period became final; release_id NULL: nothing stands
  collection text NOT NULL, period text NOT NULL, revision int NOT NULL CHECK (revision > 0),
  release_id text REFERENCES core.release, previous_release_id text REFERENCES core.release,
  published_at timestamptz NOT NULL, values_changed bigint NOT NULL, reason text NOT NULL CHECK (btrim(reason) <> ''),
  PRIMARY KEY (collection, period, revision), UNIQUE (collection, period, published_at));

CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.edition FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.edition_release FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.edition_switch FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_check FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_verdict FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_total FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.explained FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.calendar FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.revision FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- What is published already is the first edition.
WITH stands AS (
  SELECT 'edition-' || left(encode(sha256(convert_to(
           string_agg(concat_ws('|', collection, period, release_id), E'\n' ORDER BY concat_ws('|', collection, period, release_id) COLLATE "C"),
           'UTF8')), 'hex'), 12) AS edition_id, count(*) AS releases, max(published_at) AS switched_at
  FROM core.current_release HAVING count(*) > 0),
made AS (INSERT INTO core.edition (edition_id) SELECT edition_id FROM stands),
filled AS (
  INSERT INTO core.edition_release (edition_id, collection, period, release_id)
  SELECT s.edition_id, c.collection, c.period, c.release_id FROM stands s CROSS JOIN core.current_release c)
INSERT INTO core.edition_switch (number, edition_id, kind, switched_at, releases, changed, reason)
SELECT 1, edition_id, 'switch', switched_at, releases, releases, 'What was published before editions were kept.' FROM stands;

-- A pointer that goes away leaves a move to nothing, at the moment of the switch.
CREATE OR REPLACE FUNCTION core.log_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO core.release_log (collection, period, published_at)
    SELECT OLD.collection, OLD.period, max(switched_at) FROM core.edition_switch;
    RETURN OLD;
  END IF;
  INSERT INTO core.release_log (collection, period, release_id, published_at)
  VALUES (NEW.collection, NEW.period, NEW.release_id, NEW.published_at);
  RETURN NEW;
END $$;
CREATE TRIGGER release_ends AFTER DELETE ON core.current_release FOR EACH ROW EXECUTE FUNCTION core.log_release();

-- At commit: no pointer stands elsewhere than the current edition says, and none of a final period has moved without a revision.
CREATE FUNCTION core.check_pointer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  pair record; stands text; wanted text; newest record;
BEGIN
  IF TG_OP = 'DELETE' THEN pair := OLD; ELSE pair := NEW; END IF;
  SELECT c.release_id INTO stands FROM core.current_release c WHERE (c.collection, c.period) = (pair.collection, pair.period);
  SELECT s.* INTO newest FROM core.edition_switch s ORDER BY s.number DESC LIMIT 1;
  SELECT e.release_id INTO wanted FROM core.edition_release e
  WHERE (e.edition_id, e.collection, e.period) = (newest.edition_id, pair.collection, pair.period);
  IF stands IS DISTINCT FROM wanted THEN
    RAISE EXCEPTION 'The pointer of % % stands at %, and the current edition has %: pointers move with an edition, all in one transaction',
      pair.collection, pair.period, coalesce(stands, 'nothing'), coalesce(wanted, 'nothing');
  END IF;
  IF EXISTS (SELECT FROM core.calendar k WHERE (k.collection, k.period) = (pair.collection, pair.period) AND k.final_from <= newest.switched_at)
     AND EXISTS (SELECT FROM core.release_log l WHERE (l.collection, l.period) = (pair.collection, pair.period)
                 AND l.release_id IS NOT NULL AND l.published_at < newest.switched_at)
     AND NOT EXISTS (SELECT FROM core.revision v WHERE (v.collection, v.period, v.published_at) = (pair.collection, pair.period, newest.switched_at)
                     AND v.release_id IS NOT DISTINCT FROM stands) THEN
    RAISE EXCEPTION '% % is final: its figures change only in a numbered revision with a reason, written in the same transaction',
      pair.collection, pair.period;
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER pointers_follow AFTER INSERT OR UPDATE OR DELETE ON core.current_release
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION core.check_pointer();

CREATE FUNCTION core.check_switch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.number = (SELECT max(number) FROM core.edition_switch) AND EXISTS (
      (SELECT collection, period, release_id FROM core.edition_release WHERE edition_id = NEW.edition_id
       EXCEPT SELECT collection, period, release_id FROM core.current_release)
      UNION ALL
      (SELECT collection, period, release_id FROM core.current_release
       EXCEPT SELECT collection, period, release_id FROM core.edition_release WHERE edition_id = NEW.edition_id)) THEN
    RAISE EXCEPTION 'The pointers are not where edition % has them: a switch moves all of them in one transaction', NEW.edition_id;
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER switch_is_whole AFTER INSERT ON core.edition_switch
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION core.check_switch();

-- What people read -------------------------------------------------------------------------------------------------

CREATE OR REPLACE VIEW published.release_history AS
SELECT l.collection, l.period, l.release_id, l.published_at,
       coalesce(l.release_id = c.release_id AND l.published_at = c.published_at, false) AS is_current
FROM core.release_log l LEFT JOIN core.current_release c USING (collection, period) WHERE l.release_id IS NOT NULL;

CREATE OR REPLACE FUNCTION published.releases_as_at(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL)
RETURNS SETOF published.release_history LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.collection, s.period, s.release_id, s.published_at, coalesce(s.release_id = c.release_id AND s.published_at = c.published_at, false)
  FROM core.standing_at($1, $2, $3) s LEFT JOIN core.current_release c USING (collection, period) WHERE s.release_id IS NOT NULL
$$;

CREATE VIEW published.editions AS
SELECT s.number, s.edition_id, s.switched_at, s.kind, s.releases, s.changed, s.reason FROM core.edition_switch s;

CREATE VIEW intake.editions AS
SELECT s.number, s.edition_id, s.previous_edition_id, s.switched_at, s.kind, s.releases, s.changed, s.person, s.reason FROM core.edition_switch s;

-- What was never published is nobody's figure yet; a steward sees why it would move before letting it through.
CREATE OR REPLACE VIEW published.movements AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.step, m.cause, m.value_before, m.value_after,
       m.value_after - m.value_before AS change, m.previous_release_id, m.release_id, r.is_sample
FROM core.movement m JOIN core.release r USING (release_id)
WHERE EXISTS (SELECT FROM core.release_log l WHERE (l.collection, l.period, l.release_id) = (r.collection, r.period, r.release_id));

CREATE VIEW intake.movements AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.step, m.cause, m.value_before, m.value_after,
       m.value_after - m.value_before AS change, m.previous_release_id, m.release_id, r.is_sample
FROM core.movement m JOIN core.release r USING (release_id);

-- Revision 0 is what stood when the period became final, or what was published first after that.
CREATE VIEW published.revisions AS
SELECT v.collection, v.period, v.revision, v.release_id, v.previous_release_id, v.published_at,
       concat_ws(' ', v.reason, (SELECT string_agg(w.reason, ' ' ORDER BY w.verdict_id) FROM core.release_verdict w
         WHERE w.release_id = v.release_id AND w.verdict = 'released' AND w.given_at > v.published_at)) AS reason,
       v.values_changed
FROM core.revision v
UNION ALL
SELECT k.collection, k.period, 0, z.release_id, NULL, z.published_at,
       CASE WHEN z.published_at <= k.final_from THEN 'It stood when the period became final.' ELSE 'First published, the period being final.' END, 0
FROM core.calendar k CROSS JOIN LATERAL (
  SELECT l.release_id, l.published_at FROM core.release_log l
  WHERE (l.collection, l.period) = (k.collection, k.period) AND l.release_id IS NOT NULL
  ORDER BY CASE WHEN l.published_at <= k.final_from THEN l.published_at END DESC NULLS LAST, l.published_at, l.move_id LIMIT 1) z
WHERE k.final_from <= now();

CREATE VIEW intake.release_checks AS
SELECT k.release_id, r.collection, r.period, nullif(k.against, '') AS against, k.check_id, nullif(k.subject, '') AS subject, k.passed, k.message,
       k.checked_at
FROM core.release_check k JOIN core.release r USING (release_id);

CREATE OR REPLACE VIEW intake.releases AS
SELECT r.release_id, r.collection, r.period, r.inputs_hash, r.reference_version, r.code_version, r.submissions, r.is_sample, r.created_at,
       c.release_id IS NOT NULL AS is_current, c.published_at,
       CASE WHEN c.release_id IS NOT NULL THEN 'current'
            WHEN v.verdict = 'withdrawn' THEN 'withdrawn'
            WHEN EXISTS (SELECT FROM core.release_log l WHERE (l.collection, l.period, l.release_id) = (r.collection, r.period, r.release_id)) THEN 'replaced'
            WHEN k.failed > 0 AND v.verdict IS NULL THEN 'held_back'
            ELSE 'made' END AS state,
       k.failed AS failed_checks, v.verdict, v.person AS verdict_by, v.given_at AS verdict_at, v.reason AS verdict_reason
FROM core.release r LEFT JOIN core.current_release c USING (release_id)
LEFT JOIN LATERAL (SELECT count(*) AS failed FROM core.release_check k WHERE k.release_id = r.release_id AND NOT k.passed) k ON true
LEFT JOIN LATERAL (
  SELECT v.verdict, v.person, v.given_at, v.reason FROM core.release_verdict v
  WHERE v.release_id = r.release_id ORDER BY v.verdict_id DESC LIMIT 1) v ON true;

CREATE OR REPLACE VIEW published.data_status AS
WITH expected AS (
  SELECT collection, period, count(*) AS expected FROM core.expected GROUP BY 1, 2),
sent AS (
  SELECT s.collection, s.period, s.sender, s.part,
         bool_or(c.submission_id IS NOT NULL) AS counts,
         coalesce(bool_or(s.is_sample) FILTER (WHERE c.submission_id IS NOT NULL), bool_or(s.is_sample)) AS is_sample,
         -- held: the newest version is held, or nothing was ever accepted
         NOT bool_or(c.submission_id IS NOT NULL) AND bool_or(v.outcome = 'held') AS held,
         -- waived: what counts would be held without the decisions that it was validated under
         bool_or(u.decisions <> '{}' AND NOT EXISTS (
           SELECT FROM core.validation p WHERE p.submission_id = s.submission_id AND p.decisions = '{}' AND p.outcome <> 'held')) AS waived
  FROM core.submission s LEFT JOIN intake.validations v USING (submission_id)
  LEFT JOIN core.counting c ON c.submission_id = s.submission_id
  LEFT JOIN core.validation u ON u.submission_id = c.submission_id AND u.rules_version = c.rules_version
  WHERE s.period IS NOT NULL AND s.sender IS NOT NULL GROUP BY 1, 2, 3, 4),
counted AS (
  SELECT s.collection, s.period, count(*) AS received, count(*) FILTER (WHERE s.counts) AS accepted,
         count(*) FILTER (WHERE s.held) AS held, count(*) FILTER (WHERE s.waived) AS waived, bool_or(s.is_sample) AS is_sample,
         count(*) FILTER (WHERE e.sender IS NOT NULL) AS received_expected,
         count(*) FILTER (WHERE s.counts AND e.sender IS NOT NULL) AS accepted_expected
  FROM sent s LEFT JOIN core.expected e USING (collection, period, sender, part) GROUP BY 1, 2),
revised AS (
  SELECT collection, period, max(revision) AS revision FROM core.revision GROUP BY 1, 2),
coming AS (
  SELECT collection, min(due) AS next_due FROM core.calendar WHERE due > now() GROUP BY 1)
SELECT n.collection, n.period, coalesce(e.expected, 0) AS expected, n.received, n.accepted, n.held,
       coalesce(e.expected, 0) - n.received_expected AS missing,
       n.accepted_expected::double precision / nullif(e.expected, 0) AS coverage,
       c.published_at, c.release_id, n.is_sample,
       n.held::double precision / n.received AS held_share,
       n.waived::double precision / nullif(n.accepted, 0) AS waived_share,
       CASE WHEN k.final_from <= now() THEN 'final' ELSE 'provisional' END AS standing,
       k.final_from,
       CASE WHEN k.final_from <= now() AND c.release_id IS NOT NULL THEN coalesce(v.revision, 0) END AS revision,
       d.next_due, t.edition_id, t.switched_at AS as_at
FROM counted n LEFT JOIN expected e USING (collection, period) LEFT JOIN core.current_release c USING (collection, period)
LEFT JOIN core.calendar k USING (collection, period) LEFT JOIN revised v USING (collection, period) LEFT JOIN coming d USING (collection)
LEFT JOIN LATERAL (SELECT s.edition_id, s.switched_at FROM core.edition_switch s ORDER BY s.number DESC LIMIT 1) t ON true;
