-- The engagement timeline: events that follow from the log and the reference data, and events that people add.

CREATE TABLE core.timeline (
  event_id text PRIMARY KEY, occurred_from date NOT NULL, occurred_to date, date_precision text NOT NULL, kind text NOT NULL,
  layer text NOT NULL, status text NOT NULL, provider_code text, collection text, period text,
  recommendation_number int, summary text NOT NULL, source text,
  confidence text, audience text, fulfils text);
CREATE INDEX timeline_provider ON core.timeline (provider_code, occurred_from);
CREATE INDEX timeline_fulfils ON core.timeline (fulfils) WHERE fulfils IS NOT NULL;

-- Events that people add: facts. One that was wrong is withdrawn by a second fact, with a reason.
CREATE TABLE core.event_kind (kind text PRIMARY KEY, says text NOT NULL);
INSERT INTO core.event_kind (kind, says) VALUES
  ('letter', 'a letter of the programme'),
  ('announcement', 'something was announced'),
  ('bulletin', 'a bulletin or newsletter'),
  ('statement', 'somebody said something in public'),
  ('press', 'a report in the press'),
  ('report', 'a report was published'),
  ('release', 'a tool or a compartment of it was opened to trusts'),
  ('guidance', 'guidance was given'),
  ('milestone', 'a step of the programme'),
  ('meeting', 'a meeting or conference'),
  ('visit', 'a trust was visited'),
  ('data_request', 'data were asked for'),
  ('findings_shared', 'findings were shown to a trust'),
  ('feedback_received', 'a trust answered'),
  ('board_report', 'a trust reported to its board on a recommendation'),
  ('board_paper', 'a paper went to a board'),
  ('pilot', 'something was tried out'),
  ('delivery', 'a change began to be delivered'),
  ('trust_renamed', 'a trust has another name'),
  ('trust_succession', 'a trust was merged or taken over'),
  ('service_transfer_in', 'services came from another trust'),
  ('service_transfer_out', 'services went to another trust'),
  ('recommendation_deadline', 'what a recommendation asks for is due'),
  ('other', 'something else: the summary says what');

CREATE TABLE core.event (
  event_id text PRIMARY KEY,               -- made of its content: the same event is not added twice
  occurred_from date NOT NULL, occurred_to date CHECK (occurred_to >= occurred_from),
  date_precision text NOT NULL CHECK (date_precision IN ('day', 'week', 'month', 'quarter', 'season', 'year')),
  kind text NOT NULL REFERENCES core.event_kind,
  status text NOT NULL CHECK (status IN ('planned', 'actual', 'inferred', 'deadline')),
  provider_code text, collection text REFERENCES core.collection, period text, recommendation_number int CHECK (recommendation_number BETWEEN 1 AND 16),
  actor text NOT NULL, audience text NOT NULL, summary text NOT NULL CHECK (btrim(summary) <> ''),
  source text NOT NULL CHECK (btrim(source) <> ''),
  confidence text NOT NULL CHECK (confidence IN ('high', 'medium', 'low')),
  fulfils text,                            -- the plan that it is the outcome of
  entered_by text NOT NULL CHECK (btrim(entered_by) <> ''), entered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  file_name text);                         -- the file that it came in; NULL from the form
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.event FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.event_withdrawal (
  event_id text PRIMARY KEY REFERENCES core.event, person text NOT NULL CHECK (btrim(person) <> ''),
  reason text NOT NULL CHECK (btrim(reason) <> ''), withdrawn_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.event_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- The one way in for events. `what` holds the columns of core.event that people give; dates as ISO texts.
-- Gives the event's id; NULL where the same event is there already.
CREATE FUNCTION core.add_event(person text, what jsonb, file text DEFAULT NULL) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $add$
DECLARE
  e core.event; plan record; base text; before int;
BEGIN
  e := jsonb_populate_record(NULL::core.event, what - 'event_id' - 'entered_by' - 'entered_at' - 'file_name');
  e.actor := coalesce(btrim(e.actor), ''); e.audience := coalesce(btrim(e.audience), '');
  IF btrim(coalesce(person, '')) = '' THEN PERFORM core.refuse('It is not known who adds the event.'); END IF;
  IF btrim(coalesce(e.summary, '')) = '' THEN PERFORM core.refuse('Say in a sentence what happened or is planned.'); END IF;
  IF btrim(coalesce(e.source, '')) = '' THEN PERFORM core.refuse('Say where it is known from.'); END IF;
  IF e.occurred_from IS NULL OR e.date_precision IS NULL THEN PERFORM core.refuse('An event needs a date, and how exactly it is known.'); END IF;
  IF NOT EXISTS (SELECT FROM core.event_kind k WHERE k.kind = e.kind) THEN
    PERFORM core.refuse(format('''%s'' is no kind of event. Possible: %s.', e.kind, (SELECT string_agg(k.kind, ', ' ORDER BY k.kind) FROM core.event_kind k)));
  END IF;
  IF e.provider_code IS NOT NULL AND NOT EXISTS (SELECT FROM core.provider p WHERE p.code = e.provider_code) THEN
    PERFORM core.refuse(format('%s is not the ODS code of a known provider.', e.provider_code)); END IF;
  IF e.collection IS NOT NULL AND NOT EXISTS (SELECT FROM core.collection c WHERE c.collection = e.collection) THEN
    PERFORM core.refuse(format('''%s'' is not the name of a collection. Possible: %s.', e.collection,
      (SELECT string_agg(c.collection, ', ' ORDER BY c.collection) FROM core.collection c))); END IF;
  IF e.kind = 'board_report' AND (e.provider_code IS NULL OR e.recommendation_number IS NULL) THEN
    PERFORM core.refuse('A board report needs the trust and the number of the recommendation.'); END IF;
  IF e.status IN ('actual', 'inferred') AND e.occurred_from > core.today() THEN
    PERFORM core.refuse(format('It is said to have happened, but %s is still to come. Make it planned, or correct the date.', e.occurred_from)); END IF;
  IF core.has_contact_details(concat_ws(' ', e.summary, e.source)) OR core.has_contact_details(concat_ws(' ', e.actor, e.audience)) THEN
    PERFORM core.refuse('It holds an e-mail address or a telephone number. Write the role instead: people''s details are not kept here.'); END IF;
  IF e.fulfils IS NOT NULL THEN
    SELECT t.status INTO plan FROM published.engagement_timeline t WHERE t.event_id = e.fulfils;
    IF NOT FOUND OR plan.status NOT IN ('planned', 'deadline') THEN
      PERFORM core.refuse(format('%s is not the id of a plan or a deadline on the timeline.', e.fulfils)); END IF;
    IF e.status NOT IN ('actual', 'inferred') THEN PERFORM core.refuse('Only what happened fulfils a plan. Make the status actual, or leave fulfils empty.'); END IF;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('events'));
  base := 'EN-' || left(md5(jsonb_build_array(e.occurred_from, e.occurred_to, e.date_precision, e.kind, e.status, e.provider_code, e.collection,
    e.period, e.recommendation_number, e.actor, e.audience, btrim(e.summary), btrim(e.source), e.confidence, e.fulfils)::text), 16);
  IF EXISTS (SELECT FROM core.event o WHERE starts_with(o.event_id, base)
             AND NOT EXISTS (SELECT FROM core.event_withdrawal w WHERE w.event_id = o.event_id)) THEN RETURN NULL; END IF;
  SELECT count(*) INTO before FROM core.event o WHERE starts_with(o.event_id, base);  -- each of them was withdrawn
  e.event_id := base || CASE WHEN before = 0 THEN '' ELSE '.' || before END;
  e.entered_by := btrim(person); e.entered_at := clock_timestamp(); e.file_name := file;
  e.summary := btrim(e.summary); e.source := btrim(e.source);
  INSERT INTO core.event SELECT e.*;
  RETURN e.event_id;
END $add$;

CREATE FUNCTION core.withdraw_event(id text, who text, why text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $withdraw$
DECLARE earlier record;
BEGIN
  IF NOT EXISTS (SELECT FROM core.event e WHERE e.event_id = id) THEN
    PERFORM core.refuse(format('There is no event %s that people entered. The programme''s own events are reference data.', id)); END IF;
  IF btrim(coalesce(who, '')) = '' THEN PERFORM core.refuse('It is not known who withdraws the event.'); END IF;
  IF btrim(coalesce(why, '')) = '' THEN PERFORM core.refuse('Say why, in a sentence that will still be understood next year.'); END IF;
  IF core.has_contact_details(why) THEN
    PERFORM core.refuse('The reason holds an e-mail address or a telephone number. Write the role instead.'); END IF;
  PERFORM pg_advisory_xact_lock(hashtext('events'));
  SELECT w.person, w.withdrawn_at INTO earlier FROM core.event_withdrawal w WHERE w.event_id = id;
  IF FOUND THEN PERFORM core.refuse(format('Event %s was withdrawn already, by %s on %s.', id, earlier.person,
    to_char(earlier.withdrawn_at AT TIME ZONE 'Europe/London', 'FMDD Mon YYYY'))); END IF;
  INSERT INTO core.event_withdrawal (event_id, person, reason) VALUES (id, btrim(who), btrim(why));
END $withdraw$;

-- The first and the last day that an event's date may mean: a month is all its days.
CREATE FUNCTION core.reach_from(occurred_from date, occurred_to date, date_precision text) RETURNS date LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN $2 IS NOT NULL THEN $1 WHEN $3 IN ('month', 'year') THEN date_trunc($3, $1)::date ELSE $1 END
$$;

CREATE FUNCTION core.reach_to(occurred_from date, occurred_to date, date_precision text) RETURNS date LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN $2 IS NOT NULL THEN $2
              WHEN $3 = 'week' THEN $1 + 6
              WHEN $3 = 'month' THEN (date_trunc('month', $1) + interval '1 month')::date - 1
              WHEN $3 IN ('quarter', 'season') THEN (date_trunc('month', $1) + interval '3 months')::date - 1
              WHEN $3 = 'year' THEN (date_trunc('year', $1) + interval '1 year')::date - 1
              ELSE $1 END
$$;

SELECT core.keep_history('timeline');
