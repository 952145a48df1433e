-- What was found in each submission, under which rules, and which submission counts.

-- The rules and reference data that the pipeline validates by, a row for each change; the newest of a collection is in force.
CREATE TABLE core.rules_in_force (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, collection text NOT NULL REFERENCES core.collection,
  rules_version text NOT NULL,           -- of schema, layouts, catalogue entry, common code and what is read of the reference data
  reference_part text NOT NULL,          -- of the reference data that validation reads
  providers text[] NOT NULL,             -- national collections: the codes that are known
  since timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX rules_in_force_newest ON core.rules_in_force (collection, number DESC);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.rules_in_force FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE VIEW core.rules_now AS
SELECT DISTINCT ON (r.collection) r.* FROM core.rules_in_force r ORDER BY r.collection, r.number DESC;

CREATE TABLE core.validation (
  submission_id text NOT NULL REFERENCES core.submission, rules_version text NOT NULL,
  layout text, outcome text NOT NULL CHECK (outcome IN ('accepted', 'accepted_with_warnings', 'held')),
  rows_read bigint NOT NULL, rows_recorded bigint NOT NULL, rows_rejected bigint NOT NULL, rows_held bigint NOT NULL,
  rows_set_aside bigint NOT NULL, cells_expected bigint NOT NULL, cells_valid bigint NOT NULL,
  records_key text, records_sha256 text, records_bytes bigint, records_together int,
  findings_key text, findings_sha256 text, findings_bytes bigint,  -- of the object with all findings; NULL: core.finding has them
  validated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  decisions bigint[] NOT NULL DEFAULT '{}',  -- those it was made under
  counts_hash text,  -- of the rows by provider and the cells, which figures rest on too
  -- Without any decision. Identified: it can be seen to be the return that it was sent as.
  identified boolean,
  plain_outcome text CHECK (plain_outcome IN ('accepted', 'accepted_with_warnings', 'held')),
  plain_cells_expected bigint,
  plain_cells_valid bigint,
  PRIMARY KEY (submission_id, rules_version),
  CONSTRAINT conservation CHECK (rows_read = rows_recorded + rows_rejected + rows_held),
  CONSTRAINT held_is_whole CHECK ((outcome = 'held') = (records_key IS NULL)),
  CONSTRAINT records_are_somewhere CHECK (num_nulls(records_key, records_sha256, records_bytes, records_together) IN (0, 4)),
  CONSTRAINT findings_are_somewhere CHECK (num_nulls(findings_key, findings_sha256, findings_bytes) IN (0, 3)),
  CONSTRAINT held_records_nothing CHECK (outcome <> 'held' OR (rows_recorded = 0 AND rows_rejected = 0)));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.validation FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- One rule broken at one place: all of a validation, or, of a file that is wrong throughout, the first of each rule and column
-- (include/records/findings_kept.toml).
CREATE TABLE core.finding (
  submission_id text NOT NULL, rules_version text NOT NULL, number int NOT NULL,
  rule_id text NOT NULL, severity text NOT NULL, responsible text NOT NULL, scope text NOT NULL,
  sheet text, line bigint, column_name text, raw_value text, message text NOT NULL,
  decision_id bigint,  -- the decision that passes over it
  PRIMARY KEY (submission_id, rules_version, number),
  FOREIGN KEY (submission_id, rules_version) REFERENCES core.validation DEFERRABLE INITIALLY DEFERRED);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.finding FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE INDEX finding_unknown ON core.finding (submission_id, rules_version) WHERE rule_id = 'STR04' AND severity = 'warn' AND responsible = 'us';

-- All findings of a validation, counted; the first of each rule, column and decision is listed, and how many are.
CREATE TABLE core.finding_count (
  submission_id text NOT NULL, rules_version text NOT NULL, number int NOT NULL,
  rule_id text NOT NULL, severity text NOT NULL, responsible text NOT NULL, column_name text,
  decision_id bigint,
  findings bigint NOT NULL, listed bigint NOT NULL,
  first_line bigint, example text NOT NULL,  -- what the first one says
  PRIMARY KEY (submission_id, rules_version, number),
  FOREIGN KEY (submission_id, rules_version) REFERENCES core.validation DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT no_more_listed_than_found CHECK (listed BETWEEN 0 AND findings AND findings > 0));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.finding_count FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- What each validation made of each provider's rows, so that a figure can say how much of what was sent it rests on.
CREATE TABLE core.provider_rows (
  submission_id text NOT NULL, rules_version text NOT NULL,
  provider_code text,                    -- as the rows have it; NULL: they name none, or none that can be read
  rows_sent bigint NOT NULL, rows_used bigint NOT NULL, rows_warned bigint NOT NULL,
  UNIQUE NULLS NOT DISTINCT (submission_id, rules_version, provider_code),
  FOREIGN KEY (submission_id, rules_version) REFERENCES core.validation DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT used_and_warned_were_sent CHECK (rows_used BETWEEN 0 AND rows_sent AND rows_warned BETWEEN 0 AND rows_sent));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.provider_rows FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Counts, quantiles and sketches of each column, by which later returns are compared.
CREATE TABLE core.profile (
  submission_id text NOT NULL, rules_version text NOT NULL,
  column_name text NOT NULL,                    -- a field of the schema; '(keys)', '(rows)' and '(about)' hold sketches
  rows bigint NOT NULL, filled bigint, distinct_values bigint,
  minimum double precision, lower_quartile double precision, median double precision, upper_quartile double precision,
  maximum double precision, total double precision,
  patterns text, recognised double precision, sketch bigint[],
  PRIMARY KEY (submission_id, rules_version, column_name),
  FOREIGN KEY (submission_id, rules_version) REFERENCES core.validation DEFERRABLE INITIALLY DEFERRED);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.profile FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Samples whose metadata give an arrival that is no time: they are held, and received when the object store says so.
CREATE TABLE core.not_dated (
  submission_id text PRIMARY KEY REFERENCES core.submission,
  arrived_at text NOT NULL,                     -- what the metadata say, as sent
  found_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.not_dated FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Files that lie in the inbox below one trust's code and say that they are another's: held, and no version of anybody's return.
CREATE TABLE core.sent_for_another (
  submission_id text PRIMARY KEY REFERENCES core.submission,
  sent_by text NOT NULL,                        -- the code that the place in the inbox belongs to
  says text NOT NULL,                           -- the trust that the file says it is from
  found_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.sent_for_another FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- A validation under newer rules that came to the same as one that stands: nothing moves, and it is not made again.
CREATE TABLE core.found_again (
  submission_id text NOT NULL, rules_version text NOT NULL, same_as text NOT NULL, found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (submission_id, rules_version, same_as),
  FOREIGN KEY (submission_id, same_as) REFERENCES core.validation (submission_id, rules_version));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.found_again FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- What a steward asked to be validated again: all held returns (of a period), or the accepted ones too, that were validated before.
CREATE TABLE core.revalidation (
  revalidation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, collection text NOT NULL REFERENCES core.collection, period text, accepted_too boolean NOT NULL,
  rules_version text NOT NULL, person text NOT NULL, reason text NOT NULL, asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE NULLS NOT DISTINCT (collection, period, accepted_too, rules_version));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.revalidation FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- What counts (a pointer), and where it stood.
CREATE TABLE core.counting_log (
  move_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  collection text, period text, sender text, part text, submission_id text, rules_version text,
  since timestamptz NOT NULL);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.counting_log FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE FUNCTION core.log_counting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN  -- nothing counts any more
    INSERT INTO core.counting_log (collection, period, sender, part, since)
    VALUES (OLD.collection, OLD.period, OLD.sender, OLD.part, clock_timestamp());
    RETURN OLD;
  END IF;
  INSERT INTO core.counting_log (collection, period, sender, part, submission_id, rules_version, since)
  VALUES (NEW.collection, NEW.period, NEW.sender, NEW.part, NEW.submission_id, NEW.rules_version, NEW.since);
  RETURN NEW;
END $$;

CREATE TABLE core.counting (
  collection text NOT NULL, period text NOT NULL, sender text NOT NULL, part text NOT NULL,
  submission_id text NOT NULL, rules_version text NOT NULL, since timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (collection, period, sender, part),
  FOREIGN KEY (submission_id, rules_version) REFERENCES core.validation);
CREATE INDEX counting_submission ON core.counting (submission_id, rules_version);
CREATE TRIGGER counting_moves AFTER INSERT OR UPDATE ON core.counting FOR EACH ROW EXECUTE FUNCTION core.log_counting();
CREATE TRIGGER counting_ends AFTER DELETE ON core.counting FOR EACH ROW EXECUTE FUNCTION core.log_counting();
