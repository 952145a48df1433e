-- Views for dashboards and analysts. Their names and columns are a promise: see docs/published-versions.md.

CREATE VIEW published.measures AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.provider_name, m.numerator, m.denominator, m.value, m.unit,
       m.quality_flag, m.percentile_rank, m.peer_group, m.release_id, m.is_sample, m.decisions, m.suppressed,
       m.rows_sent, m.rows_used, m.months_covered, m.months_expected, m.completeness,
       core.why_withheld(m.withheld, m.value, m.quality_flag, m.suppressed) AS withheld,
       core.why_withheld(coalesce(m.rank_withheld, m.withheld), m.percentile_rank, m.quality_flag, m.suppressed) AS rank_withheld
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.measure m USING (release_id);

-- A group that is too small says so.
CREATE VIEW published.benchmarks AS
SELECT b.metric_id, r.collection, r.period, b.peer_group, b.providers, b.minimum, b.lower_quartile, b.median, b.upper_quartile,
       b.maximum, b.release_id, b.is_sample,
       CASE WHEN b.median IS NULL OR b.lower_quartile IS NULL THEN 'PEERS_TOO_FEW' END AS withheld
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.benchmark b USING (release_id);

CREATE VIEW published.comparisons AS
SELECT k.metric_id, r.collection, r.period, k.provider_code, k.benchmark_kind, k.benchmark_value, k.variance, k.is_better,
       k.opportunity_gbp, k.stretch_opportunity_gbp, k.adds_to_total, k.release_id, r.is_sample, k.adds_over
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.comparison k USING (release_id);

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
       CASE WHEN g.parts = 1 THEN g.only_withheld
            WHEN g.adds IS NULL THEN 'CANNOT_BE_ADDED'
            WHEN g.parts > g.valued THEN 'PREDECESSOR_MISSING'
            WHEN g.adds = 'ratio' AND NOT g.denominator > 0 THEN 'NO_DENOMINATOR' END AS withheld,
       g.release_id, g.is_sample
FROM (
  SELECT m.metric_id, r.collection, r.period, coalesce(b.successor_code, m.provider_code) AS provider_code, q.adds, q.times,
         count(*) AS parts, count(m.value) FILTER (WHERE m.withheld IS NULL) AS valued, sum(m.numerator) AS numerator, sum(m.denominator) AS denominator,
         max(m.value) AS only_value,
         max(core.why_withheld(m.withheld, m.value, m.quality_flag, m.suppressed)) AS only_withheld, max(m.unit) AS unit, max(m.quality_flag) AS quality_flag,
         array_agg(m.provider_code ORDER BY m.provider_code) AS reported_by, bool_or(m.is_sample) AS is_sample, r.release_id
  FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.measure m USING (release_id)
  LEFT JOIN core.successor b ON b.release_id = m.release_id AND b.provider_code = m.provider_code
  LEFT JOIN core.series_rule q ON q.release_id = m.release_id AND q.metric_id = m.metric_id
  GROUP BY r.release_id, r.collection, r.period, m.metric_id, coalesce(b.successor_code, m.provider_code), q.adds, q.times) g;

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
SELECT b.metric_id, r.collection, r.period, b.provider_code, b.basis, b.peer_group, b.peers, b.peers_with_value, b.minimum, b.lower_quartile,
       b.median, b.upper_quartile, b.maximum, CASE WHEN b.lower_quartile IS NULL THEN 'PEERS_TOO_FEW' END AS withheld,
       b.release_id, b.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.peer_benchmark b USING (release_id);

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

-- The XmR chart of every series, by the rule set that methods/spc.py tells in words; a test holds the two together. Frames are ranges
-- of periods, so a period without a row breaks ranges and runs as one without a value does. Every level keeps the columns that a
-- series is named by in its partitions, so that a question about one metric reads that metric only.
-- Over whole values only.
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
                    SELECT m.metric_id, r.collection, r.period, m.provider_code, CASE WHEN m.withheld IS NULL THEN m.value END AS value,
                           m.is_sample, r.release_id,
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

-- The spread alone, for everybody: at least three trusts, none of them named.
CREATE VIEW published.price_spread AS
SELECT r.collection, r.period, s.product_code, s.code_type, s.base_unit, s.description,
       s.trusts, s.lines, s.spend_gbp, s.lowest, s.lower_quartile, s.median, s.upper_quartile, s.highest, s.suspects_left_out,
       s.release_id, s.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.price_spread s USING (release_id);

CREATE VIEW published.price_comparison AS
SELECT r.collection, r.period, s.product_code, s.code_type, s.base_unit, s.description,
       s.trusts, s.lines, s.spend_gbp, s.lowest, s.lower_quartile, s.median, s.upper_quartile, s.highest, s.suspects_left_out,
       p.provider_code, p.lines AS provider_lines, p.base_units AS provider_base_units, p.spend_gbp AS provider_spend_gbp,
       p.unit_price_gbp, p.variance_to_median, p.opportunity_to_median_gbp, p.opportunity_to_lowest_gbp,
       s.release_id, p.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.price_spread s USING (release_id)
JOIN core.price_position p ON p.release_id = s.release_id AND p.product_code = s.product_code
  AND p.code_type = s.code_type AND p.base_unit = s.base_unit
WHERE (SELECT core.reads_commercial());

CREATE VIEW published.price_list AS
SELECT r.collection, r.period, l.part, l.product_code, l.pack_code, l.name, l.supplier, l.pack_size, l.unit, l.price_pence,
       l.price_per_unit_pence, l.change_on_previous_pence, l.release_id, l.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.price_list l USING (release_id);

CREATE VIEW published.kept_apart AS
SELECT r.collection, r.period, k.body_code, k.body_name, k.body_type, k.rows, k.release_id, r.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.kept_apart k USING (release_id);

CREATE VIEW published.release_history AS
SELECT l.collection, l.period, l.release_id, l.published_at,
       coalesce(l.release_id = c.release_id AND l.published_at = c.published_at, false) AS is_current
FROM core.release_log l LEFT JOIN core.current_release c USING (collection, period) WHERE l.release_id IS NOT NULL;

CREATE VIEW published.editions AS
SELECT s.number, s.edition_id, s.switched_at, s.kind, s.releases, s.changed, s.reason FROM core.edition_switch s;

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

-- What was never published is nobody's figure yet; a steward sees why it would move before letting it through.
CREATE VIEW published.movements AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.step, m.cause, m.value_before, m.value_after,
       m.value_after - m.value_before AS change, m.previous_release_id, m.release_id, r.is_sample
FROM core.movement m JOIN core.release r USING (release_id)
WHERE EXISTS (SELECT FROM core.release_log l WHERE (l.collection, l.period, l.release_id) = (r.collection, r.period, r.release_id));

-- Of a national file coverage counts the trusts that must be in it, not the files.
CREATE VIEW published.data_status AS
WITH expected AS (
  SELECT collection, period, count(*) AS expected FROM core.expected GROUP BY 1, 2),
sent AS (
  SELECT s.collection, s.period, s.sender, s.part,
         bool_or(c.submission_id IS NOT NULL) AS counts,
         coalesce(bool_or(s.is_sample) FILTER (WHERE c.submission_id IS NOT NULL), bool_or(s.is_sample)) AS is_sample,
         -- held: the newest version is held, or nothing was ever accepted
         NOT bool_or(c.submission_id IS NOT NULL) AND bool_or(v.outcome = 'held') AS held,
         -- waived: what counts would be held without the decisions that it was validated under
         bool_or(u.decisions <> '{}' AND CASE WHEN u.plain_outcome IS NOT NULL THEN u.plain_outcome = 'held' ELSE NOT EXISTS (
           SELECT FROM core.validation p WHERE p.submission_id = s.submission_id AND p.decisions = '{}' AND p.outcome <> 'held') END) AS waived
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
named AS (   -- trusts that must be in a national file: those expected, and those of which only the file before knew
  SELECT x.collection, x.period, x.provider_code FROM core.expected_provider x
  UNION
  SELECT x.collection, x.period, r.provider_code
  FROM (SELECT DISTINCT collection, period FROM core.expected_provider) x
  JOIN core.counting b ON b.collection = x.collection AND b.period = core.period_before(x.period)
  JOIN core.provider_rows r ON r.submission_id = b.submission_id AND r.rules_version = b.rules_version
  WHERE r.rows_used > 0 AND NOT EXISTS (SELECT FROM core.provider p WHERE p.code = r.provider_code) AND r.provider_code IS NOT NULL),
in_file AS (
  SELECT DISTINCT c.collection, c.period, r.provider_code
  FROM core.counting c JOIN core.expected e USING (collection, period, sender, part)
  JOIN core.provider_rows r ON r.submission_id = c.submission_id AND r.rules_version = c.rules_version
  WHERE r.rows_used > 0),
by_provider AS (
  SELECT n.collection, n.period, count(*) AS providers_expected, count(*) FILTER (WHERE f.provider_code IS NULL) AS providers_missing
  FROM named n LEFT JOIN in_file f USING (collection, period, provider_code)
  WHERE NOT EXISTS (  -- validated before rows were counted: it is not known whom it spoke for
    SELECT FROM core.counting c JOIN core.validation v USING (submission_id, rules_version)
    WHERE c.collection = n.collection AND c.period = n.period AND v.counts_hash IS NULL)
  GROUP BY 1, 2),
coming AS (
  SELECT collection, min(due) AS next_due FROM core.calendar WHERE due > now() GROUP BY 1)
SELECT n.collection, n.period, coalesce(e.expected, 0) AS expected, n.received, n.accepted, n.held,
       coalesce(e.expected, 0) - n.received_expected AS missing,
       CASE WHEN b.providers_expected > 0 THEN (b.providers_expected - b.providers_missing)::double precision / b.providers_expected
            ELSE n.accepted_expected::double precision / nullif(e.expected, 0) END AS coverage,
       c.published_at, c.release_id, n.is_sample,
       n.held::double precision / n.received AS held_share,
       n.waived::double precision / nullif(n.accepted, 0) AS waived_share,
       CASE WHEN k.final_from <= now() THEN 'final' ELSE 'provisional' END AS standing,
       k.final_from,
       CASE WHEN k.final_from <= now() AND c.release_id IS NOT NULL THEN coalesce(v.revision, 0) END AS revision,
       d.next_due, t.edition_id, t.switched_at AS as_at, b.providers_expected, b.providers_missing
FROM counted n LEFT JOIN expected e USING (collection, period) LEFT JOIN core.current_release c USING (collection, period)
LEFT JOIN by_provider b USING (collection, period)
LEFT JOIN core.calendar k USING (collection, period) LEFT JOIN revised v USING (collection, period) LEFT JOIN coming d USING (collection)
LEFT JOIN LATERAL (SELECT s.edition_id, s.switched_at FROM core.edition_switch s ORDER BY s.number DESC LIMIT 1) t ON true;

CREATE VIEW published.reasons AS SELECT code, sentence FROM core.reason;

-- The newest version of each; the others stay in metric_versions.
CREATE VIEW published.metrics AS
SELECT DISTINCT ON (m.metric_id) m.metric_id, m.name, m.unit, m.polarity, m.numerator, m.denominator, m.formula, m.lens, m.compartment,
       m.oversight_theme, m.recommendation, m.fed_by, m.not_fed_because, m.question, m.frequency, m.peer_basis, m.benchmark_default,
       m.min_peers, m.monetised, m.may_be_added, m.disclosure_class, m.basis, m.version, m.valid_from, m.checked_by, m.checked_on,
       m.check_again_by, m.missing_rows, m.tolerates_missing, m.window_months, m.window_rule
FROM core.metric m ORDER BY m.metric_id, m.version DESC;

CREATE VIEW published.metric_versions AS SELECT * FROM core.metric;

CREATE VIEW published.definitions_used AS
SELECT d.metric_id, r.collection, r.period, d.version, r.release_id, r.is_sample
FROM core.release_metric d JOIN core.current_release c USING (release_id) JOIN core.release r USING (release_id);

CREATE VIEW published.recommendations AS SELECT * FROM core.recommendation;

CREATE VIEW published.cohort AS SELECT * FROM core.cohort;

CREATE VIEW published.providers AS
SELECT p.code AS provider_code, n.name AS provider_name, p.sector, p.region, p.kind, p.open_from, p.open_to,
       EXISTS (SELECT 1 FROM core.cohort c WHERE c.code = p.code) AS in_cohort
FROM core.provider p LEFT JOIN LATERAL (
  SELECT name FROM core.provider_name n WHERE n.code = p.code ORDER BY valid_from DESC NULLS LAST LIMIT 1) n ON true;

CREATE VIEW published.successions AS SELECT from_code, to_code, legal_date, type, verified, source FROM core.succession;

CREATE VIEW published.engagement_timeline AS
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
