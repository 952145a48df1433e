-- The engagement timeline, whole: events that people add, plans beside outcomes, lanes that keep the ancestors' events,
-- evidence for the recommendations, what sources disagree about, and facts that follow from the log.

-- Reference data, replaced as a whole by each reviewed version ----------------------------------------------------
CREATE TABLE core.plan_outcome (plan_id text PRIMARY KEY, outcome_id text NOT NULL, source text NOT NULL);
CREATE TABLE core.recurring_event (event_id text PRIMARY KEY, every_months int NOT NULL CHECK (every_months > 0), source text NOT NULL);
CREATE TABLE core.contradiction (
  topic text NOT NULL, claim text NOT NULL, source text NOT NULL, event_id text, verified text NOT NULL, note text,
  PRIMARY KEY (topic, claim));
CREATE TABLE core.board_coverage (
  event_id text NOT NULL, recommendation_number int NOT NULL, said text NOT NULL, source text NOT NULL,
  PRIMARY KEY (event_id, recommendation_number));

ALTER TABLE core.timeline ADD COLUMN confidence text;
ALTER TABLE core.timeline ADD COLUMN audience text;
ALTER TABLE core.timeline ADD COLUMN fulfils text;
CREATE INDEX timeline_fulfils ON core.timeline (fulfils) WHERE fulfils IS NOT NULL;

-- Events that people add: facts. One that was wrong is withdrawn by a second fact, with a reason ---------------------
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
  provider_code text, collection text, period text, recommendation_number int CHECK (recommendation_number BETWEEN 1 AND 16),
  actor text NOT NULL, audience text NOT NULL, summary text NOT NULL CHECK (btrim(summary) <> ''),
  source text NOT NULL CHECK (btrim(source) <> ''),
  confidence text NOT NULL CHECK (confidence IN ('high', 'medium', 'low')),
  fulfils text,                            -- the plan that it is the outcome of
  entered_by text NOT NULL CHECK (btrim(entered_by) <> ''), entered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  file_name text);                         -- the file that it came in; NULL from the form
CREATE TABLE core.event_withdrawal (
  event_id text PRIMARY KEY REFERENCES core.event, person text NOT NULL CHECK (btrim(person) <> ''),
  reason text NOT NULL CHECK (btrim(reason) <> ''), withdrawn_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.event FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.event_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- E-mail addresses and telephone numbers: the timeline keeps roles, not people. The command checks with the same two patterns.
CREATE FUNCTION core.has_contact_details(words text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT words ~ '[^\s@]@[^\s@]' OR words ~ '(^|[^0-9A-Za-z])(\+[0-9]{1,3}|00[0-9]{2}|0)[ ().-]{0,2}[1-9]([ ().-]{0,2}[0-9]){8,}'
$$;

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
-- The period a year earlier. 2011-12 could be both a month and a year: what could be a financial year is one.
CREATE FUNCTION core.year_before(period text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN $1 ~ '^\d{4}-(0[1-9]|1[0-2])$' AND right($1, 2)::int <> (left($1, 4)::int + 1) % 100
              THEN to_char(to_date($1, 'YYYY-MM') - interval '1 year', 'YYYY-MM')
              WHEN $1 ~ '^\d{4}-\d{2}$' THEN (left($1, 4)::int - 1) || '-' || right(left($1, 4), 2) END
$$;

-- What people read ---------------------------------------------------------------------------------------------------
CREATE VIEW intake.events AS
SELECT e.event_id, e.occurred_from, e.occurred_to, e.date_precision, e.kind, e.status, e.provider_code, e.collection, e.period,
       e.recommendation_number, e.actor, e.audience, e.summary, e.source, e.confidence, e.fulfils, e.entered_by, e.entered_at, e.file_name,
       w.person AS withdrawn_by, w.withdrawn_at, w.reason AS withdrawn_because
FROM core.event e LEFT JOIN core.event_withdrawal w USING (event_id);

CREATE OR REPLACE VIEW published.engagement_timeline AS
SELECT event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
       recommendation_number, summary, source, confidence, audience, fulfils
FROM core.timeline
UNION ALL
-- What people entered counts at once. Who entered it is in intake.events, not here: this is published.
SELECT e.event_id, e.occurred_from, e.occurred_to, e.date_precision, e.kind, 'entered', e.status, e.provider_code, e.collection, e.period,
       e.recommendation_number, CASE WHEN e.actor = '' THEN '' ELSE e.actor || ': ' END || e.summary, e.source, e.confidence,
       nullif(e.audience, ''), e.fulfils
FROM core.event e WHERE NOT EXISTS (SELECT FROM core.event_withdrawal w WHERE w.event_id = e.event_id);

-- Whom a provider took over, however many mergers ago. A part of a trust that moved (service_transfer) makes no ancestor.
CREATE VIEW published.provider_ancestors AS
WITH RECURSIVE line (provider_code, ancestor_code, joined_on, steps, verified) AS (
  SELECT s.to_code, s.from_code, s.legal_date, 1, s.verified FROM core.succession s WHERE s.type IN ('merger', 'acquisition')
  UNION
  SELECT l.provider_code, s.from_code, l.joined_on, l.steps + 1,
         CASE WHEN 'no' IN (l.verified, s.verified) THEN 'no' WHEN 'partial' IN (l.verified, s.verified) THEN 'partial' ELSE 'yes' END
  FROM line l JOIN core.succession s ON s.to_code = l.ancestor_code AND s.type IN ('merger', 'acquisition') WHERE l.steps < 20)
SELECT DISTINCT ON (l.provider_code, l.ancestor_code) l.provider_code, l.ancestor_code, l.joined_on, l.steps, l.verified
FROM line l ORDER BY l.provider_code, l.ancestor_code, l.steps, l.joined_on;

-- A lane for each provider: its own events and its ancestors', each with whose it was.
CREATE VIEW published.provider_lanes AS
SELECT f.provider_code, f.own_code, f.joined_on, e.event_id, e.occurred_from, e.occurred_to, e.date_precision, e.kind, e.layer, e.status,
       e.collection, e.period, e.recommendation_number, e.summary, e.source, e.confidence
FROM (SELECT code AS provider_code, code AS own_code, NULL::date AS joined_on FROM core.provider
      UNION ALL SELECT a.provider_code, a.ancestor_code, a.joined_on FROM published.provider_ancestors a) AS f
JOIN published.engagement_timeline e ON e.provider_code = f.own_code;

-- Each plan and deadline beside its outcome. A trust's return has its deadline in the log, not here.
CREATE VIEW published.programme_plan AS
SELECT p.event_id AS plan_id, p.layer, p.kind, p.status, p.provider_code, p.recommendation_number,
       p.occurred_from AS planned_from, p.occurred_to AS planned_to, p.date_precision AS planned_precision,
       core.reach_to(p.occurred_from, p.occurred_to, p.date_precision) AS due_by, p.summary AS plan_summary, p.source AS plan_source,
       p.confidence AS plan_confidence,
       CASE WHEN o.event_id IS NOT NULL THEN 'happened'
            WHEN core.reach_to(p.occurred_from, p.occurred_to, p.date_precision) >= core.today() THEN 'not yet'
            ELSE 'no source says' END AS outcome,
       o.event_id AS actual_id, o.occurred_from AS actual_from, o.occurred_to AS actual_to, o.date_precision AS actual_precision,
       o.summary AS actual_summary, o.source AS actual_source,
       CASE WHEN o.date_precision = 'day'
            THEN o.occurred_from - core.reach_to(p.occurred_from, p.occurred_to, p.date_precision) END AS slippage_days,
       core.reach_from(o.occurred_from, o.occurred_to, o.date_precision)
         - core.reach_to(p.occurred_from, p.occurred_to, p.date_precision) AS slippage_least_days,
       core.reach_to(o.occurred_from, o.occurred_to, o.date_precision)
         - core.reach_to(p.occurred_from, p.occurred_to, p.date_precision) AS slippage_most_days
FROM published.engagement_timeline p
LEFT JOIN LATERAL (
  SELECT a.* FROM published.engagement_timeline a WHERE a.fulfils = p.event_id AND a.status IN ('actual', 'inferred')
  ORDER BY a.occurred_from, a.event_id LIMIT 1) o ON true
WHERE p.layer <> 'derived' AND p.status IN ('planned', 'deadline');

-- What sources disagree about: every claim with its source. None is chosen.
CREATE VIEW published.contradictions AS
SELECT c.topic, c.claim, c.source, c.event_id, c.verified, c.note FROM core.contradiction c;

-- Which trusts told their boards about which recommendation. A paper of which is known what it covered counts for just that.
CREATE VIEW published.board_reports AS
SELECT r.recommendation_number, e.provider_code, e.event_id, e.occurred_from, e.occurred_to, e.date_precision, e.kind, r.said, e.layer,
       e.summary, r.source, e.confidence
FROM published.engagement_timeline e
JOIN (SELECT b.event_id, b.recommendation_number, b.said, b.source FROM core.board_coverage b
      UNION ALL
      SELECT t.event_id, t.recommendation_number, 'reported', t.source FROM published.engagement_timeline t
      WHERE t.recommendation_number IS NOT NULL AND NOT EXISTS (SELECT FROM core.board_coverage b WHERE b.event_id = t.event_id)) r
  ON r.event_id = e.event_id
WHERE e.kind IN ('board_report', 'board_paper', 'board_briefing', 'board_update') AND e.status IN ('actual', 'inferred')
  AND e.provider_code IS NOT NULL AND e.layer <> 'derived';

-- For each recommendation the metrics linked to it: the newest national median, how it moved in a year, and what it rests on.
CREATE VIEW published.recommendation_progress AS
WITH linked AS (
  SELECT DISTINCT m.metric_id, m.name, m.unit, m.polarity, n.word::int AS number
  FROM published.metrics m CROSS JOIN LATERAL regexp_split_to_table(coalesce(m.recommendation, ''), '\D+') AS n (word) WHERE n.word <> ''),
newest AS (
  SELECT DISTINCT ON (b.metric_id, b.collection) b.metric_id, b.collection, b.period, b.providers, b.median, b.is_sample
  FROM published.benchmarks b WHERE b.peer_group = 'national' AND b.providers > 0
  ORDER BY b.metric_id, b.collection, b.period DESC),
boards AS (
  SELECT recommendation_number, count(DISTINCT provider_code) AS boards, max(occurred_from) AS last_report
  FROM published.board_reports WHERE said IN ('reported', 'covered') GROUP BY 1)
SELECT r.number AS recommendation_number, r.area, r.owner, r.deadline, l.metric_id, l.name AS metric_name, l.unit, l.polarity,
       n.collection, n.period, n.providers, n.median, s.coverage, y.period AS period_before, y.median AS median_before,
       t.coverage AS coverage_before, n.median - y.median AS change,
       CASE WHEN n.median IS NULL OR y.median IS NULL THEN 'too early to say'
            WHEN n.median = y.median THEN 'unchanged'
            WHEN l.polarity = 'higher_better' THEN CASE WHEN n.median > y.median THEN 'better' ELSE 'worse' END
            WHEN l.polarity = 'lower_better' THEN CASE WHEN n.median < y.median THEN 'better' ELSE 'worse' END
            WHEN l.polarity = 'target_100' AND abs(n.median - 100) <> abs(y.median - 100)
              THEN CASE WHEN abs(n.median - 100) < abs(y.median - 100) THEN 'better' ELSE 'worse' END
            WHEN n.median > y.median THEN 'higher' ELSE 'lower' END AS direction,
       coalesce(n.is_sample, false) OR coalesce(y.is_sample, false) AS is_sample,
       coalesce(b.boards, 0) AS boards_reported, b.last_report AS last_board_report
FROM core.recommendation r
LEFT JOIN linked l ON l.number = r.number
LEFT JOIN newest n ON n.metric_id = l.metric_id
LEFT JOIN published.benchmarks y ON y.metric_id = n.metric_id AND y.collection = n.collection AND y.peer_group = 'national'
  AND y.period = core.year_before(n.period)
LEFT JOIN published.data_status s ON s.collection = n.collection AND s.period = n.period
LEFT JOIN published.data_status t ON t.collection = y.collection AND t.period = y.period
LEFT JOIN boards b ON b.recommendation_number = r.number;

-- Facts of each trust and collection that follow from the log; NULL, and named in too_early, where it rests on too little.
CREATE VIEW published.engagement_facts AS
WITH asked AS (
  SELECT e.collection, e.period, e.sender, e.part, e.due, f.received_at,
         dense_rank() OVER (PARTITION BY e.collection, e.sender ORDER BY e.period DESC) AS place
  FROM core.expected e JOIN core.provider p ON p.code = e.sender
  LEFT JOIN core.submission f ON (f.collection, f.period, f.sender, f.part) = (e.collection, e.period, e.sender, e.part) AND f.version = 1
  WHERE e.due < now()),
timely AS (
  SELECT collection, sender, count(*) FILTER (WHERE place <= 12) AS periods,
         count(*) FILTER (WHERE place <= 12 AND received_at <= due) AS on_time, min(due) AS first_due
  FROM asked GROUP BY 1, 2),
sound AS (
  SELECT s.collection, s.period, s.sender, s.part, min(s.version) AS rounds, min(s.received_at) AS received_at
  FROM core.submission s JOIN intake.validations v USING (submission_id) JOIN core.provider p ON p.code = s.sender
  WHERE v.outcome <> 'held' AND s.period IS NOT NULL GROUP BY 1, 2, 3, 4),
clean AS (
  SELECT collection, sender, count(*) AS returns, avg(rounds)::double precision AS rounds, min(received_at) AS first_accepted
  FROM sound GROUP BY 1, 2),
sent AS (
  SELECT s.collection, s.sender, bool_or(s.is_sample) AS is_sample FROM core.submission s JOIN core.provider p ON p.code = s.sender
  GROUP BY 1, 2),
known AS (SELECT collection, sender FROM timely UNION SELECT collection, sender FROM sent)
SELECT k.sender AS provider_code, k.collection,
       (t.first_due AT TIME ZONE 'Europe/London')::date AS first_due,
       (c.first_accepted AT TIME ZONE 'Europe/London')::date AS first_accepted,
       (c.first_accepted AT TIME ZONE 'Europe/London')::date - (t.first_due AT TIME ZONE 'Europe/London')::date AS days_to_first_accepted,
       coalesce(c.returns, 0) AS returns_accepted,
       CASE WHEN c.returns >= 3 THEN c.rounds END AS rounds_to_clean, 3 AS rounds_minimum,
       coalesce(t.periods, 0) AS periods_due, coalesce(t.on_time, 0) AS on_time,
       CASE WHEN t.periods >= 6 THEN t.on_time::double precision / t.periods END AS share_on_time, 6 AS share_minimum,
       array_remove(ARRAY[
         CASE WHEN t.first_due IS NULL OR c.first_accepted IS NULL THEN 'days_to_first_accepted' END,
         CASE WHEN c.returns IS NULL OR c.returns < 3 THEN 'rounds_to_clean' END,
         CASE WHEN t.periods IS NULL OR t.periods < 6 THEN 'share_on_time' END], NULL) AS too_early,
       coalesce(x.is_sample, false) AS is_sample
FROM known k LEFT JOIN timely t ON (t.collection, t.sender) = (k.collection, k.sender)
LEFT JOIN clean c ON (c.collection, c.sender) = (k.collection, k.sender)
LEFT JOIN sent x ON (x.collection, x.sender) = (k.collection, k.sender);

-- Who may do what: the desk adds and withdraws events through the two functions, and in no other way.
REVOKE ALL ON FUNCTION core.add_event(text, jsonb, text), core.withdraw_event(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.add_event(text, jsonb, text), core.withdraw_event(text, text, text) TO steward_desk;
GRANT SELECT ON core.event_kind TO steward_desk;
