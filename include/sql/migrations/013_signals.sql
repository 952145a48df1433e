-- What changed, who differs, what size costs, and whom a trust is compared with; and series restated to today's trusts.

-- What follows from a release's measures and reference data, kept with it, so that an answer as at a moment needs nothing else.
ALTER TABLE core.measure ADD COLUMN restarts int NOT NULL DEFAULT 0;  -- periods up to this one in which the series broke
CREATE TABLE core.series_rule (         -- how a metric's series is read
  release_id text NOT NULL, metric_id text NOT NULL, polarity text NOT NULL, covers_months int NOT NULL,
  adds text CHECK (adds IN ('ratio', 'sum')), times double precision, least_peers int NOT NULL, rule_set text NOT NULL,
  PRIMARY KEY (release_id, metric_id));
CREATE TABLE core.successor (           -- providers whose work is all with one other provider now
  release_id text NOT NULL, provider_code text NOT NULL, successor_code text NOT NULL, PRIMARY KEY (release_id, provider_code));
CREATE TABLE core.peer_group (          -- groups that a provider is in together with others
  release_id text NOT NULL, provider_code text NOT NULL, basis text NOT NULL, peer_group text NOT NULL, features text NOT NULL,
  PRIMARY KEY (release_id, basis, provider_code));
CREATE TABLE core.peer (                -- peers that are a provider's own: nearest neighbours, and its list
  release_id text NOT NULL, provider_code text NOT NULL, basis text NOT NULL, peer_code text NOT NULL, distance double precision,
  features text NOT NULL, PRIMARY KEY (release_id, provider_code, basis, peer_code), CHECK (provider_code <> peer_code));
CREATE TABLE core.funnel (
  release_id text NOT NULL, metric_id text NOT NULL, provider_code text NOT NULL, kind text NOT NULL, centre double precision,
  phi double precision, tau2 double precision, is_adjusted boolean, z double precision, lower_95 double precision,
  upper_95 double precision, lower_99_8 double precision, upper_99_8 double precision, position text, withheld text,
  PRIMARY KEY (release_id, metric_id, provider_code));
CREATE TABLE core.size_cost (
  release_id text NOT NULL, metric_id text NOT NULL, provider_code text NOT NULL, size double precision, cost_gbp double precision,
  expected_cost_gbp double precision, ratio double precision, opportunity_gbp double precision, peers int,
  peer_median_share double precision, variance_gbp double precision, scale_effect_gbp double precision,
  efficiency_effect_gbp double precision, trusts int, slope double precision, slope_lower double precision,
  slope_upper double precision, r2 double precision, robust_slope double precision, robust_slope_lower double precision,
  robust_slope_upper double precision, withheld text,
  PRIMARY KEY (release_id, metric_id, provider_code));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.series_rule FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.successor FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.peer_group FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.peer FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.funnel FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.size_cost FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- SPC ---------------------------------------------------------------------------------------------------------------------------
-- The XmR chart of every series, by the rule set that methods/spc.py tells in words; a test holds the two together. Frames are ranges
-- of periods, so a period without a row breaks ranges and runs as one without a value does. Every level keeps the columns that a
-- series is named by in its partitions, so that a question about one metric reads that metric only.
CREATE VIEW published.signals AS
SELECT j.metric_id, j.collection, j.period, j.provider_code, j.value, j.section, j.is_restart, j.moving_range, j.centre, j.lower_limit,
       j.upper_limit, j.is_trial, j.signal,
       CASE j.signal_way WHEN 1 THEN 'high' WHEN -1 THEN 'low' END AS signal_side,
       CASE WHEN j.side IS NULL THEN NULL
            WHEN j.signal IS NULL THEN 'common_cause'
            WHEN j.good = 0 THEN 'neutral'
            WHEN j.signal_way = j.good THEN 'improvement'
            ELSE 'concern' END AS assessment,
       j.withheld, j.rule_set, j.release_id, j.is_sample
FROM (
  SELECT i.*,
         CASE WHEN i.is_outside THEN 'outside_limits' WHEN i.trend <> 0 THEN 'trend' WHEN i.close_by THEN 'near_limit'
              WHEN i.shift THEN 'shift' END AS signal,
         CASE WHEN i.is_outside THEN i.side WHEN i.trend <> 0 THEN i.trend WHEN i.close_by OR i.shift THEN i.side END AS signal_way
  FROM (
    -- A point belongs to a run when one ends at it or up to six periods later; of two trends that meet in it the later one names it.
    SELECT h.*,
           h.is_near AND max(h.close_end) OVER (section ORDER BY h.at RANGE BETWEEN CURRENT ROW AND 2 FOLLOWING) = 1 AS close_by,
           max(h.shift_end) OVER ahead = 1 AS shift,
           CASE WHEN sum(h.trend_end) OVER sixth <> 0 THEN sum(h.trend_end) OVER sixth
                WHEN max(h.trend_end) OVER ahead = 1 THEN 1 WHEN min(h.trend_end) OVER ahead = -1 THEN -1 ELSE 0 END AS trend
    FROM (
      SELECT g.*,
             (abs(sum(g.side) OVER (section ORDER BY g.at RANGE BETWEEN 6 PRECEDING AND CURRENT ROW)) = 7)::int AS shift_end,
             sum(g.step) OVER (section ORDER BY g.at RANGE BETWEEN 5 PRECEDING AND CURRENT ROW) / 6 AS trend_end,
             (abs(sum(g.side) OVER three) = 3 AND sum(g.is_near::int) OVER three >= 2)::int AS close_end
      FROM (
        SELECT f.*,
               CASE WHEN f.withheld IS NULL THEN sign(f.value - f.centre)::int END AS side,
               CASE WHEN f.withheld IS NULL THEN coalesce(sign(f.change)::int, 0) ELSE 0 END AS step,
               coalesce(f.value > f.upper_limit OR f.value < f.lower_limit, false) AS is_outside,
               coalesce((f.value > f.centre + 2 * 2.66::float8 / 3 * f.mean_range OR f.value < f.centre - 2 * 2.66::float8 / 3 * f.mean_range)
                        AND NOT (f.value > f.upper_limit OR f.value < f.lower_limit), false) AS is_near
        FROM (
          SELECT e.metric_id, e.collection, e.period, e.provider_code, e.at, e.value, e.section, e.is_restart, e.change, e.moving_range,
                 CASE WHEN e.withheld IS NULL THEN e.mean_value END AS centre,
                 CASE WHEN e.withheld IS NULL THEN e.mean_range END AS mean_range,
                 CASE WHEN e.withheld IS NULL THEN e.mean_value - 2.66::float8 * e.mean_range END AS lower_limit,
                 CASE WHEN e.withheld IS NULL THEN e.mean_value + 2.66::float8 * e.mean_range END AS upper_limit,
                 e.values_in_section < 13 AS is_trial, e.withheld, e.good, e.rule_set, e.release_id, e.is_sample
          FROM (
            SELECT d.*,
                   -- Moving ranges not below 3.267 times their mean are left out, once.
                   avg(d.moving_range) FILTER (WHERE d.moving_range < 3.267::float8 * d.mean_of_all) OVER section AS mean_range,
                   CASE WHEN d.covers_months > 1 AND right(d.period, 2)::int <= 12 THEN format(
                          'Each value covers %s months, so neighbours share most of their data; control limits would be too narrow and are not drawn.',
                          d.covers_months)
                        WHEN d.values_in_section < 6 THEN format('%s values from %s on; limits need 6.', d.values_in_section, d.from_period)
                        WHEN d.mean_of_all IS NULL THEN
                          'No two neighbouring periods both have a value, so there is no moving range to set limits by.'
                        WHEN d.mean_of_all = 0 THEN
                          'The value never changes from one period to the next, so there is no variation to set limits by.' END AS withheld
            FROM (
              SELECT b.*, avg(b.moving_range) OVER section AS mean_of_all
              FROM (
                SELECT a.*, abs(a.change) AS moving_range
                FROM (
                  SELECT s.*,
                         s.value - max(s.value) OVER (section ORDER BY s.at RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING) AS change,
                         count(s.value) OVER section AS values_in_section,
                         avg(s.value) OVER section AS mean_value,
                         min(s.period) OVER section AS from_period,
                         s.section > 1 AND row_number() OVER (section ORDER BY s.at) = 1 AS is_restart
                  FROM (
                    SELECT m.metric_id, r.collection, r.period, m.provider_code, m.value, m.is_sample, r.release_id,
                           -- Months, or years, from one to the next.
                           CASE WHEN right(r.period, 2)::int > 12 THEN left(r.period, 4)::int
                                ELSE 12 * left(r.period, 4)::int + right(r.period, 2)::int END AS at,
                           1 + m.restarts - min(m.restarts) OVER (PARTITION BY r.collection, m.metric_id, m.provider_code) AS section,
                           CASE q.polarity WHEN 'higher_better' THEN 1 WHEN 'lower_better' THEN -1 ELSE 0 END AS good,
                           q.covers_months, q.rule_set
                    FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.measure m USING (release_id)
                    JOIN core.series_rule q USING (release_id, metric_id)) s
                  WINDOW section AS (PARTITION BY s.collection, s.metric_id, s.provider_code, s.section)) a) b
              WINDOW section AS (PARTITION BY b.collection, b.metric_id, b.provider_code, b.section)) d
            WINDOW section AS (PARTITION BY d.collection, d.metric_id, d.provider_code, d.section)) e) f) g
      WINDOW section AS (PARTITION BY g.collection, g.metric_id, g.provider_code, g.section),
             three AS (section ORDER BY g.at RANGE BETWEEN 2 PRECEDING AND CURRENT ROW)) h
    WINDOW section AS (PARTITION BY h.collection, h.metric_id, h.provider_code, h.section),
           ahead AS (section ORDER BY h.at RANGE BETWEEN CURRENT ROW AND 6 FOLLOWING),
           sixth AS (section ORDER BY h.at RANGE BETWEEN 6 FOLLOWING AND 6 FOLLOWING)) i) j;

-- Funnels and cost by size --------------------------------------------------------------------------------------------------------
CREATE VIEW published.funnel AS
SELECT f.metric_id, r.collection, r.period, f.provider_code, m.value, f.kind, f.centre, f.lower_95, f.upper_95, f.lower_99_8, f.upper_99_8,
       f.position, f.z, f.phi, f.tau2, f.is_adjusted, f.withheld, f.release_id, m.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.funnel f USING (release_id)
JOIN core.measure m ON m.release_id = f.release_id AND m.metric_id = f.metric_id AND m.provider_code = f.provider_code;

CREATE VIEW published.size_adjusted AS
SELECT k.metric_id, r.collection, r.period, k.provider_code, k.size, k.cost_gbp, k.expected_cost_gbp, k.ratio, k.opportunity_gbp,
       k.variance_gbp, k.scale_effect_gbp, k.efficiency_effect_gbp, k.peers, k.peer_median_share, k.trusts, k.slope, k.slope_lower,
       k.slope_upper, k.r2, k.robust_slope, k.robust_slope_lower, k.robust_slope_upper, k.withheld, k.release_id, m.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.size_cost k USING (release_id)
JOIN core.measure m ON m.release_id = k.release_id AND m.metric_id = k.metric_id AND m.provider_code = k.provider_code;

-- Peers, never a trust itself -------------------------------------------------------------------------------------------------------
CREATE VIEW published.peers AS
SELECT r.collection, r.period, p.provider_code, p.basis, p.peer_group, p.peer_code, p.distance, p.features, r.release_id, r.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) CROSS JOIN LATERAL (
  SELECT o.provider_code, o.basis, o.peer_group, g.provider_code AS peer_code, NULL::double precision AS distance, o.features
  FROM core.peer_group o JOIN core.peer_group g ON g.release_id = r.release_id AND g.basis = o.basis AND g.peer_group = o.peer_group
  WHERE o.release_id = r.release_id AND g.provider_code <> o.provider_code
  UNION ALL
  SELECT n.provider_code, n.basis, n.basis || ':' || n.provider_code, n.peer_code, n.distance, n.features
  FROM core.peer n WHERE n.release_id = r.release_id) p;

CREATE VIEW published.peer_benchmarks AS
SELECT g.metric_id, g.collection, g.period, g.provider_code, g.basis, g.peer_group, g.peers, g.peers_with_value,
       CASE WHEN g.peers_with_value >= g.for_quartiles THEN g.minimum END AS minimum,
       CASE WHEN g.peers_with_value >= g.for_quartiles THEN g.quartiles[1] END AS lower_quartile,
       CASE WHEN g.peers_with_value >= g.least_peers THEN g.quartiles[2] END AS median,
       CASE WHEN g.peers_with_value >= g.for_quartiles THEN g.quartiles[3] END AS upper_quartile,
       CASE WHEN g.peers_with_value >= g.for_quartiles THEN g.maximum END AS maximum,
       CASE WHEN g.peers_with_value < g.least_peers
              THEN format('PEERS_TOO_FEW: %s of %s peers have a value; a median needs %s.', g.peers_with_value, g.peers, g.least_peers)
            WHEN g.peers_with_value < g.for_quartiles
              THEN format('PEERS_TOO_FEW: %s of %s peers have a value; quartiles and extremes need %s.',
                          g.peers_with_value, g.peers, g.for_quartiles) END AS withheld,
       g.release_id, g.is_sample
FROM (
  SELECT m.metric_id, r.collection, r.period, p.provider_code, p.basis, p.peer_group, q.least_peers, greatest(8, q.least_peers) AS for_quartiles,
         count(*) AS peers, count(m.value) AS peers_with_value, min(m.value) AS minimum,
         percentile_cont('{0.25, 0.5, 0.75}'::double precision[]) WITHIN GROUP (ORDER BY m.value) AS quartiles,
         max(m.value) AS maximum, bool_or(m.is_sample) AS is_sample, r.release_id
  FROM core.current_release c JOIN core.release r USING (release_id) CROSS JOIN LATERAL (
    SELECT o.provider_code, o.basis, o.peer_group, g.provider_code AS peer_code
    FROM core.peer_group o JOIN core.peer_group g ON g.release_id = r.release_id AND g.basis = o.basis AND g.peer_group = o.peer_group
    WHERE o.release_id = r.release_id AND g.provider_code <> o.provider_code
    UNION ALL
    SELECT n.provider_code, n.basis, n.basis || ':' || n.provider_code, n.peer_code FROM core.peer n WHERE n.release_id = r.release_id) p
  JOIN core.measure m ON m.release_id = r.release_id AND m.provider_code = p.peer_code
  JOIN core.series_rule q ON q.release_id = r.release_id AND q.metric_id = m.metric_id
  GROUP BY r.release_id, r.collection, r.period, m.metric_id, p.provider_code, p.basis, p.peer_group, q.least_peers) g;

-- A group that is too small says so.
CREATE OR REPLACE VIEW published.benchmarks AS
SELECT b.metric_id, r.collection, r.period, b.peer_group, b.providers, b.minimum, b.lower_quartile, b.median, b.upper_quartile,
       b.maximum, b.release_id, b.is_sample,
       CASE WHEN b.median IS NULL THEN format('PEERS_TOO_FEW: %s providers with a value are too few for a median.', b.providers)
            WHEN b.lower_quartile IS NULL THEN format('PEERS_TOO_FEW: %s providers with a value are too few for quartiles and extremes.', b.providers)
       END AS withheld
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.benchmark b USING (release_id);

-- Restated to today's trusts: what predecessors reported is summed under the one trust that has all of their work now; the sums are
-- divided afterwards. A trust without predecessors is as it was reported.
CREATE VIEW published.measures_restated AS
SELECT g.metric_id, g.collection, g.period, g.provider_code,
       CASE WHEN g.parts = 1 OR g.adds IS NOT NULL THEN g.numerator END AS numerator,
       CASE WHEN g.parts = 1 OR g.adds = 'ratio' THEN g.denominator END AS denominator,
       CASE WHEN g.parts = 1 THEN g.only_value
            WHEN g.parts > g.valued THEN NULL
            WHEN g.adds = 'ratio' AND g.denominator > 0 THEN g.times * g.numerator / g.denominator
            WHEN g.adds = 'sum' THEN g.numerator END AS value,
       g.unit, g.quality_flag, g.reported_by,
       CASE WHEN g.parts > 1 AND g.adds IS NULL THEN format('Values of this metric cannot be added over the %s trusts that are one now.', g.parts)
            WHEN g.parts > 1 AND g.parts > g.valued
              THEN format('%s of the %s trusts that are one now have no value.', g.parts - g.valued, g.parts) END AS withheld,
       g.release_id, g.is_sample
FROM (
  SELECT m.metric_id, r.collection, r.period, coalesce(b.successor_code, m.provider_code) AS provider_code, q.adds, q.times,
         count(*) AS parts, count(m.value) AS valued, sum(m.numerator) AS numerator, sum(m.denominator) AS denominator,
         max(m.value) AS only_value, max(m.unit) AS unit, max(m.quality_flag) AS quality_flag,
         array_agg(m.provider_code ORDER BY m.provider_code) AS reported_by, bool_or(m.is_sample) AS is_sample, r.release_id
  FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.measure m USING (release_id)
  LEFT JOIN core.successor b ON b.release_id = m.release_id AND b.provider_code = m.provider_code
  LEFT JOIN core.series_rule q ON q.release_id = m.release_id AND q.metric_id = m.metric_id
  GROUP BY r.release_id, r.collection, r.period, m.metric_id, coalesce(b.successor_code, m.provider_code), q.adds, q.times) g;

SELECT core.write_as_at('benchmarks');
SELECT core.write_as_at('funnel');
SELECT core.write_as_at('size_adjusted');
SELECT core.write_as_at('peers');
SELECT core.write_as_at('peer_benchmarks');
SELECT core.write_as_at('measures_restated');

-- As core.write_as_at, for a view whose rows follow from several periods: of_period chooses among its rows, not among what they rest on.
CREATE FUNCTION core.write_series_as_at(view_name text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $write$
DECLARE
  pointer constant text := 'core.current_release c';
  body text;
BEGIN
  body := rtrim(pg_get_viewdef(format('published.%I', view_name)::regclass), E'; \n');
  IF array_length(string_to_array(body, pointer), 1) IS DISTINCT FROM 2 THEN
    RAISE EXCEPTION 'The view published.% must read "%" exactly once to be answered as at a moment', view_name, pointer;
  END IF;
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION published.%1$I(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL)
     RETURNS SETOF published.%2$I LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %3$L',
    view_name || '_as_at', view_name,
    format('SELECT * FROM (%s) AS found WHERE $3 IS NULL OR found.period = $3',
           replace(body, pointer, 'core.standing_at($1, $2, NULL) c')));
  EXECUTE format('REVOKE ALL ON FUNCTION published.%I(timestamptz, text, text) FROM PUBLIC', view_name || '_as_at');
  EXECUTE format('GRANT EXECUTE ON FUNCTION published.%I(timestamptz, text, text) TO dashboard_reader, steward_reader, steward_desk',
                 view_name || '_as_at');
END $write$;
SELECT core.write_series_as_at('signals');
