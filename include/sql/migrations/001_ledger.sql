-- The ledger: what was sent, what was found, what counts, what was published.
-- Facts are only ever added; the tables named counting and current_release are pointers and the only ones that move.

CREATE SCHEMA core;

CREATE FUNCTION core.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'Rows of %.% are facts and are never changed or removed', TG_TABLE_SCHEMA, TG_TABLE_NAME;
END $$;

-- Reference data, replaced as a whole by each reviewed version ----------------------------------------------------
CREATE TABLE core.reference_version (version text PRIMARY KEY, loaded_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE core.provider (
  code text PRIMARY KEY, sector text, region text, kind text, open_from date, open_to date);
CREATE TABLE core.provider_name (
  code text NOT NULL REFERENCES core.provider, name text NOT NULL, valid_from date, valid_to date, source text);
CREATE TABLE core.succession (
  from_code text NOT NULL, to_code text NOT NULL, legal_date date, type text, verified text, source text);
CREATE TABLE core.cohort (code text PRIMARY KEY, name_2017 text NOT NULL, sector text, region text);
CREATE TABLE core.holiday (day date PRIMARY KEY, title text);
CREATE TABLE core.recommendation (
  number int PRIMARY KEY, area text, summary text, owner text, deadline text, deadline_end_date text, collections text, source text);
CREATE TABLE core.programme_event (
  event_id text PRIMARY KEY, occurred_from date NOT NULL, occurred_to date, date_precision text NOT NULL, kind text NOT NULL,
  scope text, provider_code text, actor text, audience text, summary text NOT NULL, source text, status text NOT NULL,
  recommendation_number int, confidence text);
CREATE TABLE core.metric (
  metric_id text PRIMARY KEY, name text NOT NULL, unit text, polarity text, numerator text, denominator text, formula text,
  lens text, compartment text, oversight_theme text, recommendation text, fed_by text, not_fed_because text);

-- What is expected ------------------------------------------------------------------------------------------------
CREATE TABLE core.expected (
  collection text NOT NULL, period text NOT NULL, sender text NOT NULL, part text NOT NULL DEFAULT '',
  due timestamptz, closes timestamptz,
  PRIMARY KEY (collection, period, sender, part));

-- What was received -----------------------------------------------------------------------------------------------
CREATE TABLE core.submission (
  submission_id text PRIMARY KEY,               -- from collection and sha256: the same bytes are the same submission
  collection text NOT NULL,
  period text, sender text, part text NOT NULL DEFAULT '',
  version int NOT NULL CHECK (version > 0),     -- its place in the chain of (collection, period, sender, part)
  sha256 text NOT NULL, bytes bigint NOT NULL,
  file_name text NOT NULL, archive_key text NOT NULL,
  received_at timestamptz NOT NULL, registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  is_sample boolean NOT NULL);
CREATE UNIQUE INDEX submission_chain ON core.submission
  (collection, coalesce(period, ''), coalesce(sender, ''), part, version);
CREATE INDEX submission_sha ON core.submission (sha256);

CREATE TABLE core.receipt (                     -- every object of the inbox that was looked at
  inbox_key text NOT NULL, etag text NOT NULL, submission_id text NOT NULL REFERENCES core.submission,
  received_at timestamptz NOT NULL, again boolean NOT NULL,  -- again: these bytes had been sent before
  PRIMARY KEY (inbox_key, etag));

CREATE TABLE core.fetch (                       -- what a publisher's server said last, for conditional requests
  url text PRIMARY KEY, etag text, last_modified text, fetched_at timestamptz NOT NULL, submission_key text);

-- What was found --------------------------------------------------------------------------------------------------
CREATE TABLE core.validation (
  submission_id text NOT NULL REFERENCES core.submission, rules_version text NOT NULL,
  layout text, outcome text NOT NULL CHECK (outcome IN ('accepted', 'accepted_with_warnings', 'held')),
  rows_read bigint NOT NULL, rows_recorded bigint NOT NULL, rows_rejected bigint NOT NULL, rows_held bigint NOT NULL,
  rows_set_aside bigint NOT NULL, cells_expected bigint NOT NULL, cells_valid bigint NOT NULL,
  records_key text, records_sha256 text, records_bytes bigint,
  validated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (submission_id, rules_version),
  CONSTRAINT conservation CHECK (rows_read = rows_recorded + rows_rejected + rows_held),
  CONSTRAINT held_is_whole CHECK ((outcome = 'held') = (records_key IS NULL)),
  CONSTRAINT held_records_nothing CHECK (outcome <> 'held' OR (rows_recorded = 0 AND rows_rejected = 0)));

CREATE TABLE core.finding (
  submission_id text NOT NULL, rules_version text NOT NULL, number int NOT NULL,
  rule_id text NOT NULL, severity text NOT NULL, responsible text NOT NULL, scope text NOT NULL,
  sheet text, line bigint, column_name text, raw_value text, message text NOT NULL,
  PRIMARY KEY (submission_id, rules_version, number),
  FOREIGN KEY (submission_id, rules_version) REFERENCES core.validation DEFERRABLE INITIALLY DEFERRED);

-- What counts (a pointer), and where it stood -----------------------------------------------------------------------
CREATE TABLE core.counting (
  collection text NOT NULL, period text NOT NULL, sender text NOT NULL, part text NOT NULL,
  submission_id text NOT NULL, rules_version text NOT NULL, since timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (collection, period, sender, part),
  FOREIGN KEY (submission_id, rules_version) REFERENCES core.validation);
CREATE TABLE core.counting_log (
  move_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  collection text, period text, sender text, part text, submission_id text, rules_version text,
  since timestamptz NOT NULL);
CREATE FUNCTION core.log_counting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO core.counting_log (collection, period, sender, part, submission_id, rules_version, since)
  VALUES (NEW.collection, NEW.period, NEW.sender, NEW.part, NEW.submission_id, NEW.rules_version, NEW.since);
  RETURN NEW;
END $$;
CREATE TRIGGER counting_moves AFTER INSERT OR UPDATE ON core.counting FOR EACH ROW EXECUTE FUNCTION core.log_counting();

-- What was published --------------------------------------------------------------------------------------------------
CREATE TABLE core.release (
  release_id text PRIMARY KEY, collection text NOT NULL, period text NOT NULL,
  inputs_hash text NOT NULL, reference_version text NOT NULL, code_version text NOT NULL,
  submissions text[] NOT NULL, is_sample boolean NOT NULL, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (collection, period, inputs_hash));
CREATE TABLE core.current_release (
  collection text NOT NULL, period text NOT NULL, release_id text NOT NULL REFERENCES core.release,
  published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (collection, period));
CREATE TABLE core.release_log (
  move_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  collection text, period text, release_id text, published_at timestamptz NOT NULL);
CREATE FUNCTION core.log_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO core.release_log (collection, period, release_id, published_at)
  VALUES (NEW.collection, NEW.period, NEW.release_id, NEW.published_at);
  RETURN NEW;
END $$;
CREATE TRIGGER release_moves AFTER INSERT OR UPDATE ON core.current_release FOR EACH ROW EXECUTE FUNCTION core.log_release();

CREATE TABLE core.measure (
  release_id text NOT NULL, metric_id text NOT NULL, provider_code text NOT NULL, provider_name text,
  numerator double precision, denominator double precision, value double precision, unit text,
  quality_flag text NOT NULL CHECK (quality_flag IN ('A', 'B', 'C', 'D')),
  percentile_rank double precision, peer_group text, is_sample boolean NOT NULL,
  PRIMARY KEY (release_id, metric_id, provider_code));
CREATE TABLE core.benchmark (
  release_id text NOT NULL, metric_id text NOT NULL, peer_group text NOT NULL, providers int NOT NULL,
  minimum double precision, lower_quartile double precision, median double precision,
  upper_quartile double precision, maximum double precision, is_sample boolean NOT NULL,
  PRIMARY KEY (release_id, metric_id, peer_group));
CREATE TABLE core.comparison (
  release_id text NOT NULL, metric_id text NOT NULL, provider_code text NOT NULL, benchmark_kind text NOT NULL,
  benchmark_value double precision, variance double precision, is_better boolean,
  opportunity_gbp double precision, stretch_opportunity_gbp double precision, adds_to_total boolean NOT NULL,
  PRIMARY KEY (release_id, metric_id, provider_code, benchmark_kind));
CREATE TABLE core.price_spread (
  release_id text NOT NULL, product_code text NOT NULL, code_type text NOT NULL, base_unit text NOT NULL, description text,
  trusts int, lines bigint, spend_gbp double precision, lowest double precision, lower_quartile double precision,
  median double precision, upper_quartile double precision, highest double precision, suspects_left_out bigint,
  is_sample boolean NOT NULL);
CREATE INDEX price_spread_release ON core.price_spread (release_id);
CREATE TABLE core.price_position (
  release_id text NOT NULL, product_code text NOT NULL, code_type text NOT NULL, base_unit text NOT NULL,
  provider_code text NOT NULL, lines bigint, base_units double precision, spend_gbp double precision,
  unit_price_gbp double precision, variance_to_median double precision, opportunity_to_median_gbp double precision,
  opportunity_to_lowest_gbp double precision, is_sample boolean NOT NULL);
CREATE INDEX price_position_release ON core.price_position (release_id);
CREATE TABLE core.price_list (
  release_id text NOT NULL, part text NOT NULL, line_key text NOT NULL, product_code text, pack_code text, name text,
  supplier text, pack_size double precision, unit text, price_pence double precision, price_per_unit_pence double precision,
  change_on_previous_pence double precision, is_sample boolean NOT NULL);
CREATE INDEX price_list_release ON core.price_list (release_id);
CREATE TABLE core.cross_finding (
  release_id text NOT NULL, submission_id text NOT NULL, rule_id text NOT NULL, sheet text, line bigint,
  column_name text, raw_value text, message text NOT NULL);
CREATE INDEX cross_finding_release ON core.cross_finding (release_id);
CREATE INDEX cross_finding_submission ON core.cross_finding (submission_id);
CREATE TABLE core.kept_apart (                 -- rows of national files that are about bodies other than providers
  release_id text NOT NULL, body_code text, body_name text, body_type text, rows bigint NOT NULL);
CREATE INDEX kept_apart_release ON core.kept_apart (release_id);

CREATE TABLE core.timeline (
  event_id text PRIMARY KEY, occurred_from date NOT NULL, occurred_to date, date_precision text NOT NULL, kind text NOT NULL,
  layer text NOT NULL, status text NOT NULL, provider_code text, collection text, period text,
  recommendation_number int, summary text NOT NULL, source text);

CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.submission FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.receipt FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.validation FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.finding FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.counting_log FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_log FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.measure FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.benchmark FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
