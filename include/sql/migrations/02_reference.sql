-- Reference data, replaced as a whole by each reviewed version. core.history keeps what was replaced.

-- The history of tables whose rows are replaced: reference data and the timeline.
CREATE TABLE core.history (
  row_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, table_name text NOT NULL, content jsonb NOT NULL,
  valid_from timestamptz NOT NULL, valid_to timestamptz CHECK (valid_to >= valid_from));
CREATE INDEX history_content ON core.history (table_name, md5(content::text));
CREATE TRIGGER facts BEFORE DELETE ON core.history FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- One moment for all that a transaction does, taken when it first changes something: whoever had the lock before it is done by then.
CREATE FUNCTION core.this_moment() RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(current_setting('trust_benchmarks.moment', true), '') = '' THEN
    PERFORM set_config('trust_benchmarks.moment', clock_timestamp()::text, true);
  END IF;
  RETURN current_setting('trust_benchmarks.moment')::timestamptz;
END $$;

-- A row's content without its NULLs, so that a column added later changes no row. (A migration that adds a column with a value, or
-- removes one, changes rows: it deletes and inserts them.)
CREATE FUNCTION core.content_of(one anyelement) RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT jsonb_strip_nulls(to_jsonb(one)) $$;

CREATE FUNCTION core.rows_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE core.history h SET valid_to = greatest(core.this_moment(), h.valid_from) FROM old_rows o
  WHERE h.table_name = TG_TABLE_NAME AND h.valid_to IS NULL AND md5(h.content::text) = md5(core.content_of(o)::text);
  RETURN NULL;
END $$;

-- What this transaction has removed and puts back was never gone.
CREATE FUNCTION core.rows_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH back AS (
    UPDATE core.history h SET valid_to = NULL FROM new_rows n
    WHERE h.table_name = TG_TABLE_NAME AND md5(h.content::text) = md5(core.content_of(n)::text)
      AND h.valid_to = greatest(core.this_moment(), h.valid_from)
    RETURNING h.content)
  INSERT INTO core.history (table_name, content, valid_from)
  SELECT TG_TABLE_NAME, core.content_of(n), core.this_moment() FROM new_rows n WHERE core.content_of(n) NOT IN (SELECT content FROM back);
  RETURN NULL;
END $$;

-- Keeps the history of a table from now on, and makes moment.<table>(at): its rows at a moment.
CREATE FUNCTION core.keep_history(of_table text) RETURNS void LANGUAGE plpgsql AS $write$
BEGIN
  EXECUTE format('CREATE TRIGGER rows_begin AFTER INSERT ON core.%I REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION core.rows_begin()', of_table);
  EXECUTE format('CREATE TRIGGER rows_end AFTER DELETE ON core.%I REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION core.rows_end()', of_table);
  EXECUTE format('CREATE TRIGGER never_in_place BEFORE UPDATE OR TRUNCATE ON core.%I FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()', of_table);
  EXECUTE format('INSERT INTO core.history (table_name, content, valid_from) SELECT %L, core.content_of(t), core.this_moment() FROM core.%I t', of_table, of_table);
  EXECUTE format(
    'CREATE FUNCTION moment.%1$I(at timestamptz) RETURNS SETOF core.%1$I LANGUAGE sql STABLE AS %2$L', of_table,
    format('SELECT r.* FROM core.history h CROSS JOIN LATERAL jsonb_populate_record(NULL::core.%I, h.content) r
            WHERE h.table_name = %L AND h.valid_from <= $1 AND (h.valid_to > $1 OR h.valid_to IS NULL)', of_table, of_table));
END $write$;

-- What the ledger knows of a collection, so that nothing is filed under a name that is none. The catalogue describes it; here it stands from
-- the day on which it was first heard of (include/reference/known_collections.py).
CREATE TABLE core.collection (
  collection text PRIMARY KEY, title text NOT NULL, frequency text NOT NULL CHECK (frequency IN ('month', 'financial_year')),
  kind text NOT NULL CHECK (kind IN ('each_trust', 'national')), added_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE DELETE ON core.collection FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.reference_version (version text PRIMARY KEY, loaded_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE core.provider (
  code text PRIMARY KEY, sector text, region text, kind text, open_from date, open_to date);

CREATE TABLE core.provider_name (
  code text NOT NULL REFERENCES core.provider, name text NOT NULL, valid_from date, valid_to date, source text,
  UNIQUE NULLS NOT DISTINCT (code, valid_from, name));

CREATE TABLE core.succession (
  from_code text NOT NULL, to_code text NOT NULL, legal_date date, type text, verified text, source text,
  UNIQUE NULLS NOT DISTINCT (from_code, to_code, type, legal_date));

CREATE TABLE core.cohort (code text PRIMARY KEY, name_2017 text NOT NULL, sector text, region text);

CREATE TABLE core.holiday (day date PRIMARY KEY, title text);

CREATE TABLE core.recommendation (
  number int PRIMARY KEY, area text, summary text, owner text, deadline text, deadline_end_date text, collections text, source text);

CREATE TABLE core.programme_event (
  event_id text PRIMARY KEY, occurred_from date NOT NULL, occurred_to date, date_precision text NOT NULL, kind text NOT NULL,
  scope text, provider_code text, actor text, audience text, summary text NOT NULL, source text, status text NOT NULL,
  recommendation_number int, confidence text);

CREATE TABLE core.plan_outcome (plan_id text PRIMARY KEY, outcome_id text NOT NULL, source text NOT NULL);

CREATE TABLE core.recurring_event (event_id text PRIMARY KEY, every_months int NOT NULL CHECK (every_months > 0), source text NOT NULL);

CREATE TABLE core.contradiction (
  topic text NOT NULL, claim text NOT NULL, source text NOT NULL, event_id text, verified text NOT NULL, note text,
  PRIMARY KEY (topic, claim));

CREATE TABLE core.board_coverage (
  event_id text NOT NULL, recommendation_number int NOT NULL, said text NOT NULL, source text NOT NULL,
  PRIMARY KEY (event_id, recommendation_number));

CREATE TABLE core.metric (
  metric_id text NOT NULL, name text NOT NULL, unit text, polarity text, numerator text, denominator text, formula text,
  lens text, compartment text, oversight_theme text, recommendation text, fed_by text, not_fed_because text,
  question text, frequency text, peer_basis text, benchmark_default text, min_peers int, monetised text, may_be_added boolean,
  disclosure_class text, basis text, version int NOT NULL DEFAULT 1, valid_from date, checked_by text, checked_on date,
  check_again_by date, missing_rows text, tolerates_missing double precision, window_months int, window_rule text,
  counts text, no_interval text, series text,
  PRIMARY KEY (metric_id, version));

-- Why a figure is withheld, in a sentence for each code (include/reference/reasons.csv).
CREATE TABLE core.reason (code text PRIMARY KEY, sentence text NOT NULL);

SELECT core.keep_history(t) FROM unnest(ARRAY['provider', 'provider_name', 'succession', 'cohort', 'recommendation', 'metric',
  'plan_outcome', 'contradiction', 'board_coverage', 'reason']) t;
