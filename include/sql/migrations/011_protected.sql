-- Small numbers are said to be suppressed; prices of single trusts are for those who may read commercial data;
-- and version 1 of the published views is a schema of its own, which a later change cannot break unseen.

-- Small numbers: the figures come protected (include/sql/measures/_protected.sql); here it is said where one was withheld.
ALTER TABLE core.measure ADD COLUMN suppressed boolean NOT NULL DEFAULT false;
CREATE OR REPLACE VIEW published.measures AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.provider_name, m.numerator, m.denominator, m.value, m.unit,
       m.quality_flag, m.percentile_rank, m.peer_group, m.release_id, m.is_sample, m.decisions, m.suppressed
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.measure m USING (release_id);
SELECT core.write_as_at('measures');

-- Commercial data: who is a member of published_commercial. The readers we make are, until it is taken from one of them:
--   REVOKE published_commercial FROM dashboard_reader;
-- Roles belong to the whole server, so a second warehouse beside this one does not give back what was taken.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'published_commercial') THEN
    CREATE ROLE published_commercial NOLOGIN;
    GRANT published_commercial TO dashboard_reader, steward_reader, steward_desk;
  END IF;
  -- The pipeline's own exports and previews: whoever made the role is a member.
  IF NOT pg_has_role(current_user, 'published_commercial', 'MEMBER') THEN
    RAISE EXCEPTION 'The role % runs the pipeline and is no member of published_commercial. Run: GRANT published_commercial TO %',
      current_user, current_user;
  END IF;
END $$;

-- Whether the person who asks is one of them: who logged in, or who that person became by SET ROLE. Not current_user, which is the
-- owner inside the functions that answer as at a moment.
CREATE FUNCTION core.reads_commercial() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT pg_has_role(CASE current_setting('role') WHEN 'none' THEN session_user::text ELSE current_setting('role') END::name,
                     'published_commercial', 'MEMBER')
$$;

CREATE OR REPLACE VIEW published.price_comparison AS
SELECT r.collection, r.period, s.product_code, s.code_type, s.base_unit, s.description,
       s.trusts, s.lines, s.spend_gbp, s.lowest, s.lower_quartile, s.median, s.upper_quartile, s.highest, s.suspects_left_out,
       p.provider_code, p.lines AS provider_lines, p.base_units AS provider_base_units, p.spend_gbp AS provider_spend_gbp,
       p.unit_price_gbp, p.variance_to_median, p.opportunity_to_median_gbp, p.opportunity_to_lowest_gbp,
       s.release_id, p.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.price_spread s USING (release_id)
JOIN core.price_position p ON p.release_id = s.release_id AND p.product_code = s.product_code
  AND p.code_type = s.code_type AND p.base_unit = s.base_unit
WHERE (SELECT core.reads_commercial());
SELECT core.write_as_at('price_comparison');

-- The spread alone, for everybody: at least three trusts, none of them named.
CREATE VIEW published.price_spread AS
SELECT r.collection, r.period, s.product_code, s.code_type, s.base_unit, s.description,
       s.trusts, s.lines, s.spend_gbp, s.lowest, s.lower_quartile, s.median, s.upper_quartile, s.highest, s.suspects_left_out,
       s.release_id, s.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.price_spread s USING (release_id);
SELECT core.write_as_at('price_spread');

-- Questions that dashboards ask and that read a whole table for a few rows: a trust's timeline, and why one figure moved.
-- Measures, benchmarks and comparisons need none beside their keys (docs/decisions/0015-versions.md has the times).
CREATE INDEX timeline_provider ON core.timeline (provider_code, occurred_from);
CREATE INDEX movement_figure ON core.movement (metric_id, provider_code);

-- Versions side by side: published is the newest, published_v1 what version 1 promised. What is said about a version is added, and
-- the last word holds: an end is one more row.
CREATE TABLE core.published_version (
  version int NOT NULL, schema_name text NOT NULL, since date NOT NULL, ends_on date, what_changed text NOT NULL,
  stated_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (version, stated_at),
  CONSTRAINT ends_after_it_began CHECK (ends_on > since));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.published_version FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
INSERT INTO core.published_version (version, schema_name, since, what_changed)
VALUES (1, 'published_v1', '2026-11-22', 'The first version.');
CREATE VIEW published.versions AS
SELECT DISTINCT ON (v.version) v.version, v.schema_name, v.since, v.ends_on, v.what_changed
FROM core.published_version v ORDER BY v.version, v.stated_at DESC;
CREATE SCHEMA published_v1;
CREATE VIEW published_v1.measures AS
SELECT metric_id, collection, period, provider_code, provider_name, numerator, denominator, value, unit, quality_flag,
       percentile_rank, peer_group, release_id, is_sample, decisions, suppressed
FROM published.measures;
CREATE VIEW published_v1.benchmarks AS
SELECT metric_id, collection, period, peer_group, providers, minimum, lower_quartile, median, upper_quartile, maximum,
       release_id, is_sample
FROM published.benchmarks;
CREATE VIEW published_v1.comparisons AS
SELECT metric_id, collection, period, provider_code, benchmark_kind, benchmark_value, variance, is_better,
       opportunity_gbp, stretch_opportunity_gbp, adds_to_total, release_id, is_sample
FROM published.comparisons;
CREATE VIEW published_v1.price_comparison AS
SELECT collection, period, product_code, code_type, base_unit, description, trusts, lines, spend_gbp, lowest,
       lower_quartile, median, upper_quartile, highest, suspects_left_out, provider_code, provider_lines,
       provider_base_units, provider_spend_gbp, unit_price_gbp, variance_to_median, opportunity_to_median_gbp,
       opportunity_to_lowest_gbp, release_id, is_sample
FROM published.price_comparison;
CREATE VIEW published_v1.price_list AS
SELECT collection, period, part, product_code, pack_code, name, supplier, pack_size, unit, price_pence,
       price_per_unit_pence, change_on_previous_pence, release_id, is_sample
FROM published.price_list;
CREATE VIEW published_v1.kept_apart AS
SELECT collection, period, body_code, body_name, body_type, rows, release_id, is_sample
FROM published.kept_apart;
CREATE VIEW published_v1.engagement_timeline AS
SELECT event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
       recommendation_number, summary, source
FROM published.engagement_timeline;
CREATE VIEW published_v1.data_status AS
SELECT collection, period, expected, received, accepted, held, missing, coverage, published_at, release_id, is_sample
FROM published.data_status;
CREATE VIEW published_v1.metrics AS
SELECT metric_id, name, unit, polarity, numerator, denominator, formula, lens, compartment, oversight_theme,
       recommendation, fed_by, not_fed_because
FROM published.metrics;
CREATE VIEW published_v1.recommendations AS
SELECT number, area, summary, owner, deadline, deadline_end_date, collections, source
FROM published.recommendations;
CREATE VIEW published_v1.cohort AS
SELECT code, name_2017, sector, region
FROM published.cohort;
CREATE VIEW published_v1.providers AS
SELECT provider_code, provider_name, sector, region, kind, open_from, open_to, in_cohort
FROM published.providers;
CREATE VIEW published_v1.successions AS
SELECT from_code, to_code, legal_date, type, verified, source
FROM published.successions;
CREATE VIEW published_v1.release_history AS
SELECT collection, period, release_id, published_at, is_current
FROM published.release_history;
CREATE VIEW published_v1.movements AS
SELECT metric_id, collection, period, provider_code, step, cause, value_before, value_after, change,
       previous_release_id, release_id, is_sample
FROM published.movements;
CREATE VIEW published_v1.price_spread AS
SELECT collection, period, product_code, code_type, base_unit, description, trusts, lines, spend_gbp, lowest,
       lower_quartile, median, upper_quartile, highest, suspects_left_out, release_id, is_sample
FROM published.price_spread;
GRANT USAGE ON SCHEMA published_v1 TO dashboard_reader, steward_reader, steward_desk;
GRANT SELECT ON ALL TABLES IN SCHEMA published_v1 TO dashboard_reader, steward_reader, steward_desk;
