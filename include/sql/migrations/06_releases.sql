-- What was computed and published: releases, their figures, the edition that is current, and how figures moved.
-- Tables of core refer to a release by its key, a number; its name (release_id) stands here alone, and views join it in.

CREATE TABLE core.release (
  release_key int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- what tables of core refer to it by
  release_id text NOT NULL UNIQUE,       -- its name: what people, files and published views call it
  collection text NOT NULL REFERENCES core.collection, period text NOT NULL,
  inputs_hash text NOT NULL, reference_version text NOT NULL, code_version text NOT NULL,
  submissions text[] NOT NULL, is_sample boolean NOT NULL, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  figures_hash text NOT NULL,            -- of all its rows: releases of equal figures have the same
  UNIQUE (collection, period, inputs_hash),
  UNIQUE (release_key, collection, period));  -- for the keys below: a pointer stands at a release of its own collection and period
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- The key of a release by its name; NULL where there is none of that name.
CREATE FUNCTION core.key_of(of_release text) RETURNS int LANGUAGE sql STABLE AS $$
  SELECT r.release_key FROM core.release r WHERE r.release_id = $1
$$;

CREATE TABLE core.release_log (
  move_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  collection text NOT NULL, period text NOT NULL, release_key int, published_at timestamptz NOT NULL,
  FOREIGN KEY (release_key, collection, period) REFERENCES core.release (release_key, collection, period));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_log FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE INDEX release_log_release ON core.release_log (release_key);
CREATE INDEX release_log_moves ON core.release_log (collection, period, published_at DESC, move_id DESC);

-- A pointer that goes away leaves a move to nothing, at the moment of the switch.
CREATE FUNCTION core.log_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO core.release_log (collection, period, published_at)
    SELECT m.collection, m.period, (SELECT max(s.switched_at) FROM core.edition_switch s) FROM moved m ORDER BY m.collection, m.period;
  ELSE
    INSERT INTO core.release_log (collection, period, release_key, published_at)
    SELECT m.collection, m.period, m.release_key, m.published_at FROM moved m ORDER BY m.collection, m.period;
  END IF;
  RETURN NULL;
END $$;

-- At commit: no pointer stands elsewhere than the current edition says, and none of a final period has moved without a revision.
CREATE FUNCTION core.check_pointer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  pair record; stands int; wanted int; newest record;
BEGIN
  IF TG_OP = 'DELETE' THEN pair := OLD; ELSE pair := NEW; END IF;
  SELECT c.release_key INTO stands FROM core.current_release c WHERE (c.collection, c.period) = (pair.collection, pair.period);
  SELECT s.* INTO newest FROM core.edition_switch s ORDER BY s.number DESC LIMIT 1;
  SELECT e.release_key INTO wanted FROM core.edition_release e
  WHERE (e.edition_id, e.collection, e.period) = (newest.edition_id, pair.collection, pair.period);
  IF stands IS DISTINCT FROM wanted THEN
    RAISE EXCEPTION 'The pointer of % % stands at %, and the current edition has %: pointers move with an edition, all in one transaction',
      pair.collection, pair.period, coalesce((SELECT r.release_id FROM core.release r WHERE r.release_key = stands), 'nothing'),
      coalesce((SELECT r.release_id FROM core.release r WHERE r.release_key = wanted), 'nothing');
  END IF;
  IF EXISTS (SELECT FROM core.calendar k WHERE (k.collection, k.period) = (pair.collection, pair.period) AND k.final_from <= newest.switched_at)
     AND EXISTS (SELECT FROM core.release_log l WHERE (l.collection, l.period) = (pair.collection, pair.period)
                 AND l.release_key IS NOT NULL AND l.published_at < newest.switched_at)
     AND NOT EXISTS (SELECT FROM core.revision v WHERE (v.collection, v.period, v.published_at) = (pair.collection, pair.period, newest.switched_at)
                     AND v.release_key IS NOT DISTINCT FROM stands) THEN
    RAISE EXCEPTION '% % is final: its figures change only in a numbered revision with a reason, written in the same transaction',
      pair.collection, pair.period;
  END IF;
  -- A release that trusts see first is published when its window has ended, or when a person has said so.
  IF EXISTS (SELECT FROM core.preview_now p WHERE p.release_key = stands AND p.ends_at > newest.switched_at)
     AND NOT EXISTS (SELECT FROM core.release_log l WHERE l.release_key = stands AND l.published_at < newest.switched_at)
     AND 'released' IS DISTINCT FROM (SELECT v.verdict FROM core.release_verdict v WHERE v.release_key = stands ORDER BY v.verdict_id DESC LIMIT 1) THEN
    RAISE EXCEPTION 'The release of % % is shown to its trusts and is not published before the end of that window, unless a person releases it',
      pair.collection, pair.period;
  END IF;
  RETURN NULL;
END $$;

CREATE TABLE core.current_release (
  collection text NOT NULL, period text NOT NULL, release_key int NOT NULL UNIQUE,
  published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (collection, period),
  FOREIGN KEY (release_key, collection, period) REFERENCES core.release (release_key, collection, period));
CREATE TRIGGER release_begins AFTER INSERT ON core.current_release REFERENCING NEW TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION core.log_release();
CREATE TRIGGER release_moves AFTER UPDATE ON core.current_release REFERENCING NEW TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION core.log_release();
CREATE TRIGGER release_ends AFTER DELETE ON core.current_release REFERENCING OLD TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION core.log_release();
CREATE CONSTRAINT TRIGGER pointers_follow AFTER INSERT OR UPDATE OR DELETE ON core.current_release
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION core.check_pointer();

-- The releases that stand, by their names.
CREATE VIEW core.standing AS
SELECT c.collection, c.period, c.release_key, r.release_id, c.published_at FROM core.current_release c JOIN core.release r USING (release_key);

-- Named by its releases: the same set is the same edition.
CREATE TABLE core.edition (
  edition_id text PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  previous text REFERENCES core.edition);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.edition FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.edition_release (
  edition_id text NOT NULL REFERENCES core.edition, collection text NOT NULL, period text NOT NULL,
  release_key int NOT NULL,
  PRIMARY KEY (edition_id, collection, period),
  FOREIGN KEY (release_key, collection, period) REFERENCES core.release (release_key, collection, period));
CREATE INDEX edition_release_release ON core.edition_release (release_key);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.edition_release FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE FUNCTION core.check_switch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.number = (SELECT max(number) FROM core.edition_switch) AND EXISTS (
      (SELECT collection, period, release_key FROM core.edition_release WHERE edition_id = NEW.edition_id
       EXCEPT SELECT collection, period, release_key FROM core.current_release)
      UNION ALL
      (SELECT collection, period, release_key FROM core.current_release
       EXCEPT SELECT collection, period, release_key FROM core.edition_release WHERE edition_id = NEW.edition_id)) THEN
    RAISE EXCEPTION 'The pointers are not where edition % has them: a switch moves all of them in one transaction', NEW.edition_id;
  END IF;
  RETURN NULL;
END $$;

-- The last one says which edition is the current one.
CREATE TABLE core.edition_switch (
  number int PRIMARY KEY CHECK (number > 0), edition_id text NOT NULL REFERENCES core.edition,
  previous_edition_id text REFERENCES core.edition, kind text NOT NULL CHECK (kind IN ('switch', 'rollback')),
  switched_at timestamptz NOT NULL UNIQUE, releases int NOT NULL, changed int NOT NULL,
  person text,                           -- NULL: the pipeline itself
  reason text NOT NULL CHECK (btrim(reason) <> ''));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.edition_switch FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE CONSTRAINT TRIGGER switch_is_whole AFTER INSERT ON core.edition_switch
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION core.check_switch();

-- What was found when a release was compared with the one that stood, and what people said about releases.
CREATE TABLE core.release_check (
  release_check_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  release_key int NOT NULL REFERENCES core.release, against_key int REFERENCES core.release,  -- the release that stood; NULL: none did
  check_id text NOT NULL, subject text NOT NULL, passed boolean NOT NULL, message text NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE NULLS NOT DISTINCT (release_key, against_key, check_id, subject));
CREATE INDEX release_check_against ON core.release_check (against_key);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_check FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- The last one about a release holds.
CREATE TABLE core.release_verdict (
  verdict_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, release_key int NOT NULL REFERENCES core.release,
  verdict text NOT NULL CHECK (verdict IN ('released', 'withdrawn', 'offered')),  -- offered: it may go its way, through its preview window
  person text NOT NULL CHECK (btrim(person) <> ''), given_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  reason text NOT NULL CHECK (btrim(reason) <> ''));
CREATE INDEX release_verdict_release ON core.release_verdict (release_key, verdict_id DESC);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_verdict FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Releases that are shown to the trusts in them before they are published: each offer, to whom, how long, and what became of it.
CREATE TABLE core.preview (
  preview_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, collection text NOT NULL, period text NOT NULL, release_key int NOT NULL,
  ends_at timestamptz NOT NULL, offered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  replaces_id int REFERENCES core.preview,  -- the offer whose place it takes; where that was still open, it keeps its end
  FOREIGN KEY (release_key, collection, period) REFERENCES core.release (release_key, collection, period));
CREATE INDEX preview_release ON core.preview (release_key);
CREATE INDEX preview_period ON core.preview (collection, period);
CREATE INDEX preview_replaces ON core.preview (replaces_id);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.preview FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.preview_trust (
  preview_id int NOT NULL REFERENCES core.preview, provider_code text NOT NULL, PRIMARY KEY (preview_id, provider_code));
CREATE INDEX preview_trust_code ON core.preview_trust (provider_code);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.preview_trust FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- A person gives the trusts more time; the newest holds.
CREATE TABLE core.preview_extension (
  extension_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, preview_id int NOT NULL REFERENCES core.preview, ends_at timestamptz NOT NULL,
  person text NOT NULL CHECK (btrim(person) <> ''), said_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  reason text NOT NULL CHECK (btrim(reason) <> ''));
CREATE INDEX preview_extension_preview ON core.preview_extension (preview_id);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.preview_extension FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- published: in this edition. replaced: a newer candidate was offered. dropped: what counts now is what is published already.
CREATE TABLE core.preview_close (
  preview_id int PRIMARY KEY REFERENCES core.preview, outcome text NOT NULL CHECK (outcome IN ('published', 'replaced', 'dropped')),
  edition_number int REFERENCES core.edition_switch, closed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((outcome = 'published') = (edition_number IS NOT NULL)));
CREATE INDEX preview_close_edition ON core.preview_close (edition_number);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.preview_close FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Each offer as it is now: when its window ends, and what a person said last of its release.
CREATE VIEW core.preview_now AS
SELECT p.preview_id, p.collection, p.period, p.release_key, p.offered_at, p.replaces_id, coalesce(e.ends_at, p.ends_at) AS ends_at,
       e.reason AS extended_because, e.said_at AS extended_at, c.outcome, c.edition_number, c.closed_at, v.verdict, v.reason AS verdict_reason,
       CASE WHEN c.outcome IS NOT NULL THEN c.outcome WHEN v.verdict = 'withdrawn' THEN 'held'
            WHEN coalesce(e.ends_at, p.ends_at) <= now() THEN 'ended' ELSE 'open' END AS state
FROM core.preview p LEFT JOIN core.preview_close c USING (preview_id)
LEFT JOIN LATERAL (
  SELECT x.ends_at, x.reason, x.said_at FROM core.preview_extension x WHERE x.preview_id = p.preview_id ORDER BY x.extension_id DESC LIMIT 1) e ON true
LEFT JOIN LATERAL (
  SELECT v.verdict, v.reason FROM core.release_verdict v WHERE v.release_key = p.release_key ORDER BY v.verdict_id DESC LIMIT 1) v ON true;

-- A publisher's own total, and what the rows under it add up to.
CREATE TABLE core.release_total (
  release_key int NOT NULL REFERENCES core.release, subject text NOT NULL, published double precision NOT NULL,
  summed double precision NOT NULL, slack double precision NOT NULL, withheld bigint NOT NULL,
  PRIMARY KEY (release_key, subject));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_total FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- The submissions of a release's window, as they stood; counts: its records were read.
CREATE TABLE core.release_input (
  release_key int NOT NULL REFERENCES core.release, submission_id text NOT NULL, rules_version text NOT NULL, counts boolean NOT NULL,
  PRIMARY KEY (release_key, submission_id));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_input FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Which version of its metric each of a release's figures follows.
CREATE TABLE core.release_metric (
  release_key int NOT NULL REFERENCES core.release, metric_id text NOT NULL, version int NOT NULL,
  PRIMARY KEY (release_key, metric_id));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_metric FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Inputs that were computed and came to the figures of a release that is there: nothing new is published.
CREATE TABLE core.computed_again (
  collection text NOT NULL, period text NOT NULL, inputs_hash text NOT NULL, same_as_key int NOT NULL,
  reference_version text NOT NULL, code_version text NOT NULL, submissions text[] NOT NULL,
  computed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (collection, period, inputs_hash, same_as_key),
  FOREIGN KEY (same_as_key, collection, period) REFERENCES core.release (release_key, collection, period));
CREATE INDEX computed_again_same_as ON core.computed_again (same_as_key);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.computed_again FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- The release that has the figures of these inputs: the one that stands, the one made of them, or one that trusts were shown or a person
-- withdrew or released. NULL: they have not been computed, or came to figures that have been replaced since.
CREATE FUNCTION core.release_of(of_collection text, of_period text, of_inputs text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT n.release_id FROM (
    SELECT r.release_key, true AS own FROM core.release r WHERE (r.collection, r.period, r.inputs_hash) = ($1, $2, $3)
    UNION ALL
    SELECT a.same_as_key, false FROM core.computed_again a WHERE (a.collection, a.period, a.inputs_hash) = ($1, $2, $3)) f
  JOIN core.release n USING (release_key)
  LEFT JOIN core.current_release c USING (release_key)
  WHERE f.own OR c.release_key IS NOT NULL OR EXISTS (SELECT FROM core.release_verdict v WHERE v.release_key = f.release_key)
    OR EXISTS (SELECT FROM core.preview p WHERE p.release_key = f.release_key)
  ORDER BY c.release_key IS NOT NULL DESC, f.own DESC LIMIT 1
$$;

-- Pairs of releases of which core.movement has every step from the one to the other, also where there is none.
CREATE TABLE core.explained (
  release_key int NOT NULL REFERENCES core.release, previous_release_key int NOT NULL REFERENCES core.release,
  PRIMARY KEY (release_key, previous_release_key));
CREATE INDEX explained_previous ON core.explained (previous_release_key);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.explained FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.movement (
  release_key int NOT NULL, previous_release_key int NOT NULL,
  metric_id text NOT NULL, provider_code text NOT NULL, step int NOT NULL, cause text NOT NULL,
  value_before double precision, value_after double precision,
  -- Why a figure moved may be found out long after both releases were made: when one is gone back to.
  stated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (release_key, previous_release_key, metric_id, provider_code, step),
  FOREIGN KEY (release_key, previous_release_key) REFERENCES core.explained);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.movement FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
-- Why one figure moved.
CREATE INDEX movement_figure ON core.movement (metric_id, provider_code);

-- Every move of a pointer after its period became final; release_key NULL: nothing stands.
CREATE TABLE core.revision (
  collection text NOT NULL, period text NOT NULL, revision int NOT NULL CHECK (revision > 0),
  release_key int, previous_release_key int,
  published_at timestamptz NOT NULL, values_changed bigint NOT NULL, reason text NOT NULL CHECK (btrim(reason) <> ''),
  PRIMARY KEY (collection, period, revision), UNIQUE (collection, period, published_at),
  FOREIGN KEY (release_key, collection, period) REFERENCES core.release (release_key, collection, period),
  FOREIGN KEY (previous_release_key, collection, period) REFERENCES core.release (release_key, collection, period));
CREATE INDEX revision_release ON core.revision (release_key);
CREATE INDEX revision_previous ON core.revision (previous_release_key);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.revision FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.measure (
  release_key int NOT NULL REFERENCES core.release, metric_id text NOT NULL, provider_code text NOT NULL, provider_name text,
  numerator double precision, denominator double precision, value double precision, unit text,
  quality_flag text NOT NULL CHECK (quality_flag IN ('A', 'B', 'C', 'D')),
  percentile_rank double precision, peer_group text, is_sample boolean NOT NULL,
  decisions bigint[] NOT NULL DEFAULT '{}',  -- without these the figure would be another
  suppressed boolean NOT NULL DEFAULT false,  -- a small number was withheld (include/sql/measures/_small_numbers.sql)
  restarts int NOT NULL DEFAULT 0,  -- periods up to this one in which the series broke
  rows_sent bigint, rows_used bigint, months_covered int, months_expected int, completeness double precision,
  withheld text, rank_withheld text,  -- codes of core.reason
  PRIMARY KEY (release_key, metric_id, provider_code));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.measure FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.benchmark (
  release_key int NOT NULL REFERENCES core.release, metric_id text NOT NULL, peer_group text NOT NULL, providers int NOT NULL,
  minimum double precision, lower_quartile double precision, median double precision,
  upper_quartile double precision, maximum double precision, is_sample boolean NOT NULL,
  PRIMARY KEY (release_key, metric_id, peer_group));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.benchmark FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.comparison (
  release_key int NOT NULL REFERENCES core.release, metric_id text NOT NULL, provider_code text NOT NULL, benchmark_kind text NOT NULL,
  benchmark_value double precision, variance double precision, is_better boolean,
  opportunity_gbp double precision, stretch_opportunity_gbp double precision, adds_to_total boolean NOT NULL, adds_over text,
  PRIMARY KEY (release_key, metric_id, provider_code, benchmark_kind));
CREATE UNIQUE INDEX comparison_adds ON core.comparison (release_key, metric_id, provider_code) WHERE adds_to_total;  -- one may be summed
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.comparison FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.price_spread (
  release_key int NOT NULL REFERENCES core.release, product_code text NOT NULL, code_type text NOT NULL, base_unit text NOT NULL, description text,
  trusts int, lines bigint, spend_gbp double precision, lowest double precision, lower_quartile double precision,
  median double precision, upper_quartile double precision, highest double precision, suspects_left_out bigint,
  is_sample boolean NOT NULL,
  PRIMARY KEY (release_key, product_code, code_type));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.price_spread FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.price_position (
  release_key int NOT NULL REFERENCES core.release, product_code text NOT NULL, code_type text NOT NULL, base_unit text NOT NULL,
  provider_code text NOT NULL, lines bigint, base_units double precision, spend_gbp double precision,
  unit_price_gbp double precision, variance_to_median double precision, opportunity_to_median_gbp double precision,
  opportunity_to_lowest_gbp double precision, is_sample boolean NOT NULL,
  PRIMARY KEY (release_key, product_code, code_type, provider_code));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.price_position FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.price_list (
  release_key int NOT NULL REFERENCES core.release, part text NOT NULL, line_key text NOT NULL, product_code text, pack_code text, name text,
  supplier text, pack_size double precision, unit text, price_pence double precision, price_per_unit_pence double precision,
  change_on_previous_pence double precision, is_sample boolean NOT NULL,
  price_list_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);  -- a line that was accepted twice is there twice
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.price_list FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE INDEX price_list_line ON core.price_list (release_key, part, line_key);

CREATE TABLE core.cross_finding (
  release_key int NOT NULL REFERENCES core.release, submission_id text NOT NULL, rule_id text NOT NULL, sheet text, line bigint,
  column_name text, raw_value text, message text NOT NULL, provider_code text,
  cross_finding_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.cross_finding FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE INDEX cross_finding_release ON core.cross_finding (release_key);
CREATE INDEX cross_finding_submission ON core.cross_finding (submission_id);

-- Rows of national files that are about bodies other than providers.
CREATE TABLE core.kept_apart (
  release_key int NOT NULL REFERENCES core.release, body_code text, body_name text, body_type text, rows bigint NOT NULL,
  kept_apart_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.kept_apart FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE INDEX kept_apart_release ON core.kept_apart (release_key);

-- What follows from a release's measures and reference data is kept with it, so that an answer as at a moment needs nothing else.
-- How a metric's series is read.
CREATE TABLE core.series_rule (
  release_key int NOT NULL REFERENCES core.release, metric_id text NOT NULL, polarity text NOT NULL, covers_months int NOT NULL,
  adds text CHECK (adds IN ('ratio', 'sum')), times double precision, rule_set text NOT NULL,
  series text NOT NULL DEFAULT 'flow',
  PRIMARY KEY (release_key, metric_id));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.series_rule FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Providers whose work is all with one other provider now.
CREATE TABLE core.successor (
  release_key int NOT NULL REFERENCES core.release, provider_code text NOT NULL, successor_code text NOT NULL, PRIMARY KEY (release_key, provider_code));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.successor FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Groups that a provider is in together with others.
CREATE TABLE core.peer_group (
  release_key int NOT NULL REFERENCES core.release, provider_code text NOT NULL, basis text NOT NULL, peer_group text NOT NULL, features text NOT NULL,
  PRIMARY KEY (release_key, basis, provider_code));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.peer_group FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Peers that are a provider's own: nearest neighbours, and its list.
CREATE TABLE core.peer (
  release_key int NOT NULL REFERENCES core.release, provider_code text NOT NULL, basis text NOT NULL, peer_code text NOT NULL, distance double precision,
  features text NOT NULL, PRIMARY KEY (release_key, provider_code, basis, peer_code), CHECK (provider_code <> peer_code));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.peer FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- The spread over a provider's own peers, itself left out; `benchmark` has it over whole groups.
CREATE TABLE core.peer_benchmark (
  release_key int NOT NULL REFERENCES core.release, metric_id text NOT NULL, provider_code text NOT NULL, basis text NOT NULL, peer_group text NOT NULL,
  peers bigint NOT NULL, peers_with_value bigint NOT NULL, minimum double precision, lower_quartile double precision,
  median double precision, upper_quartile double precision, maximum double precision, is_sample boolean NOT NULL,
  PRIMARY KEY (release_key, metric_id, provider_code, basis));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.peer_benchmark FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.funnel (
  release_key int NOT NULL REFERENCES core.release, metric_id text NOT NULL, provider_code text NOT NULL, kind text NOT NULL, centre double precision,
  phi double precision, tau2 double precision, is_adjusted boolean, z double precision, lower_95 double precision,
  upper_95 double precision, lower_99_8 double precision, upper_99_8 double precision, position text, withheld text,
  PRIMARY KEY (release_key, metric_id, provider_code));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.funnel FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- The 95% interval of a figure that is made of counts, and the percentile ranks that the intervals leave possible.
CREATE TABLE core.value_interval (
  release_key int NOT NULL REFERENCES core.release, metric_id text NOT NULL, provider_code text NOT NULL, lower double precision,
  upper double precision, rank_lowest double precision, rank_highest double precision, withheld text,
  PRIMARY KEY (release_key, metric_id, provider_code), CHECK ((lower IS NULL) = (withheld IS NOT NULL)), CHECK (lower <= upper));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.value_interval FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Whether a value is better or worse than a benchmark by more than chance; NULL where it has no interval or no side is better.
CREATE FUNCTION core.compared(polarity text, lower double precision, upper double precision, benchmark double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN $2 IS NULL OR $4 IS NULL OR $1 NOT IN ('higher_better', 'lower_better') THEN NULL
              WHEN $2 > $4 THEN CASE $1 WHEN 'higher_better' THEN 'better' ELSE 'worse' END
              WHEN $3 < $4 THEN CASE $1 WHEN 'higher_better' THEN 'worse' ELSE 'better' END
              ELSE 'similar' END
$$;

CREATE FUNCTION core.why_not_compared(polarity text, benchmark double precision, withheld text, no_interval text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN $1 NOT IN ('higher_better', 'lower_better') AND $4 IS NULL THEN 'NEUTRAL' ELSE coalesce($4, $3, CASE WHEN $2 IS NULL THEN 'PEERS_TOO_FEW' END, 'BEFORE_REASONS') END
$$;

CREATE TABLE core.size_cost (
  release_key int NOT NULL REFERENCES core.release, metric_id text NOT NULL, provider_code text NOT NULL, size double precision, cost_gbp double precision,
  expected_cost_gbp double precision, ratio double precision, opportunity_gbp double precision, peers int,
  peer_median_share double precision, variance_gbp double precision, scale_effect_gbp double precision,
  efficiency_effect_gbp double precision, trusts int, slope double precision, slope_lower double precision,
  slope_upper double precision, r2 double precision, robust_slope double precision, robust_slope_lower double precision,
  robust_slope_upper double precision, withheld text,
  PRIMARY KEY (release_key, metric_id, provider_code));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.size_cost FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Which release was the current one of each collection and period at a moment. A move counts from its published_at on.
CREATE FUNCTION core.releases_at(at timestamptz, of_collection text, of_period text)
RETURNS TABLE (collection text, period text, release_id text, published_at timestamptz) LANGUAGE sql STABLE AS $$
  SELECT s.collection, s.period, r.release_id, s.published_at FROM (
    SELECT DISTINCT ON (l.collection, l.period) l.collection, l.period, l.release_key, l.published_at FROM core.release_log l
    WHERE l.published_at <= $1 AND ($2 IS NULL OR l.collection = $2) AND ($3 IS NULL OR l.period = $3)
    ORDER BY l.collection, l.period, l.published_at DESC, l.move_id DESC) s
  LEFT JOIN core.release r USING (release_key)
$$;

-- Why there is no value. Releases that were made before reasons were kept say what still follows.
CREATE FUNCTION core.why_withheld(said text, value double precision, quality_flag text, suppressed boolean) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN said IS NOT NULL OR value IS NOT NULL THEN said
              WHEN quality_flag = 'D' THEN 'NOT_REPORTED'
              WHEN suppressed THEN 'SUPPRESSED'
              ELSE 'BEFORE_REASONS' END
$$;

-- Releases that were never published do not have to be kept for ever. They are the only facts that can go, and only through this
-- function: it runs as release_pruner, a role that nobody can log in as and that the triggers named facts let delete.
-- Kept are releases younger than the days given (90 unless told otherwise, 7 at least), those that stand or ever stood, those that a check
-- holds back, trusts were shown or a person spoke about, those that other inputs came to, and those that a decision expects.
CREATE FUNCTION core.prune_releases(older_than_days int DEFAULT 90) RETURNS TABLE (release_id text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  gone int[]; names text[]; name text;
BEGIN
  IF older_than_days < 7 THEN
    PERFORM core.refuse(format('Releases are kept for 7 days at least; %s was asked for.', older_than_days));
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('edition'));
  SELECT array_agg(r.release_key), array_agg(r.release_id) INTO gone, names FROM core.release r
  WHERE r.created_at < now() - make_interval(days => older_than_days)
    AND NOT EXISTS (SELECT FROM core.current_release x WHERE x.release_key = r.release_key)
    AND NOT EXISTS (SELECT FROM core.release_log x WHERE x.release_key = r.release_key)
    AND NOT EXISTS (SELECT FROM core.edition_release x WHERE x.release_key = r.release_key)
    AND NOT EXISTS (SELECT FROM core.revision x WHERE r.release_key IN (x.release_key, x.previous_release_key))
    AND NOT EXISTS (SELECT FROM core.release_verdict x WHERE x.release_key = r.release_key)
    AND NOT EXISTS (SELECT FROM core.preview x WHERE x.release_key = r.release_key)
    AND NOT EXISTS (SELECT FROM core.release_check x WHERE x.release_key = r.release_key AND NOT x.passed)
    AND NOT EXISTS (SELECT FROM core.release_check x WHERE x.against_key = r.release_key)
    AND NOT EXISTS (SELECT FROM core.computed_again x WHERE x.same_as_key = r.release_key)
    AND NOT EXISTS (SELECT FROM core.explained x WHERE x.previous_release_key = r.release_key)
    AND NOT EXISTS (SELECT FROM core.decision x WHERE x.expected_release = r.release_id);
  FOREACH name IN ARRAY ARRAY['movement', 'explained', 'release_check', 'release_total', 'release_input', 'release_metric', 'measure', 'benchmark',
                              'comparison', 'price_spread', 'price_position', 'price_list', 'cross_finding', 'kept_apart', 'series_rule',
                              'successor', 'peer_group', 'peer', 'peer_benchmark', 'funnel', 'value_interval', 'size_cost', 'release'] LOOP
    EXECUTE format('DELETE FROM core.%I t WHERE t.release_key = ANY($1)', name) USING gone;
  END LOOP;
  RETURN QUERY SELECT unnest(names);
END $$;
REVOKE ALL ON FUNCTION core.prune_releases(int) FROM PUBLIC;
