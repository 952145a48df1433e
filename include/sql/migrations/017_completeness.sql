-- What a figure rests on, and why one is not there or is no more than a part; and whom a finding between returns is about.

ALTER TABLE core.measure ADD COLUMN rows_sent bigint;       -- NULL: made before this was kept
ALTER TABLE core.measure ADD COLUMN rows_used bigint;
ALTER TABLE core.measure ADD COLUMN months_covered int;
ALTER TABLE core.measure ADD COLUMN months_expected int;
ALTER TABLE core.measure ADD COLUMN completeness double precision;
ALTER TABLE core.measure ADD COLUMN withheld text;
ALTER TABLE core.measure ADD COLUMN rank_withheld text;
ALTER TABLE core.comparison ADD COLUMN adds_over text;
ALTER TABLE core.cross_finding ADD COLUMN provider_code text;
ALTER TABLE core.metric ADD COLUMN missing_rows text;
ALTER TABLE core.metric ADD COLUMN tolerates_missing double precision;
ALTER TABLE core.metric ADD COLUMN window_months int;
ALTER TABLE core.metric ADD COLUMN window_rule text;

-- The sentences are reference data (include/reference/reasons.csv), loaded with it.
CREATE TABLE core.reason (code text PRIMARY KEY, sentence text NOT NULL);
SELECT core.keep_history('reason');
CREATE VIEW published.reasons AS SELECT code, sentence FROM core.reason;
SELECT core.write_moment_as_at('reasons');

-- Releases that were made before reasons were kept say what still follows.
CREATE FUNCTION core.why_withheld(said text, value double precision, quality_flag text, suppressed boolean) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN said IS NOT NULL OR value IS NOT NULL THEN said
              WHEN quality_flag = 'D' THEN 'NOT_REPORTED'
              WHEN suppressed THEN 'SUPPRESSED'
              ELSE 'BEFORE_REASONS' END
$$;

CREATE OR REPLACE VIEW published.measures AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.provider_name, m.numerator, m.denominator, m.value, m.unit,
       m.quality_flag, m.percentile_rank, m.peer_group, m.release_id, m.is_sample, m.decisions, m.suppressed,
       m.rows_sent, m.rows_used, m.months_covered, m.months_expected, m.completeness,
       core.why_withheld(m.withheld, m.value, m.quality_flag, m.suppressed) AS withheld,
       core.why_withheld(coalesce(m.rank_withheld, m.withheld), m.percentile_rank, m.quality_flag, m.suppressed) AS rank_withheld
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.measure m USING (release_id);
SELECT core.write_as_at('measures');

CREATE OR REPLACE VIEW published.benchmarks AS
SELECT b.metric_id, r.collection, r.period, b.peer_group, b.providers, b.minimum, b.lower_quartile, b.median, b.upper_quartile,
       b.maximum, b.release_id, b.is_sample,
       CASE WHEN b.median IS NULL OR b.lower_quartile IS NULL THEN 'PEERS_TOO_FEW' END AS withheld
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.benchmark b USING (release_id);
SELECT core.write_as_at('benchmarks');
SELECT core.write_moment('published.benchmarks');

CREATE OR REPLACE VIEW published.comparisons AS
SELECT k.metric_id, r.collection, r.period, k.provider_code, k.benchmark_kind, k.benchmark_value, k.variance, k.is_better,
       k.opportunity_gbp, k.stretch_opportunity_gbp, k.adds_to_total, k.release_id, r.is_sample, k.adds_over
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.comparison k USING (release_id);
SELECT core.write_as_at('comparisons');

-- As before (013), over whole values only.
CREATE OR REPLACE VIEW published.signals AS
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
SELECT core.write_series_as_at('signals');

CREATE OR REPLACE VIEW published.peer_benchmarks AS
SELECT g.metric_id, g.collection, g.period, g.provider_code, g.basis, g.peer_group, g.peers, g.peers_with_value,
       CASE WHEN g.peers_with_value >= g.for_quartiles THEN g.minimum END AS minimum,
       CASE WHEN g.peers_with_value >= g.for_quartiles THEN g.quartiles[1] END AS lower_quartile,
       CASE WHEN g.peers_with_value >= g.least_peers THEN g.quartiles[2] END AS median,
       CASE WHEN g.peers_with_value >= g.for_quartiles THEN g.quartiles[3] END AS upper_quartile,
       CASE WHEN g.peers_with_value >= g.for_quartiles THEN g.maximum END AS maximum,
       CASE WHEN g.peers_with_value < g.for_quartiles THEN 'PEERS_TOO_FEW' END AS withheld,
       g.release_id, g.is_sample
FROM (
  SELECT m.metric_id, r.collection, r.period, p.provider_code, p.basis, p.peer_group, q.least_peers, greatest(8, q.least_peers) AS for_quartiles,
         count(*) AS peers, count(m.value) FILTER (WHERE m.withheld IS NULL) AS peers_with_value,
         min(m.value) FILTER (WHERE m.withheld IS NULL) AS minimum,
         percentile_cont('{0.25, 0.5, 0.75}'::double precision[]) WITHIN GROUP (ORDER BY m.value)
           FILTER (WHERE m.withheld IS NULL) AS quartiles,
         max(m.value) FILTER (WHERE m.withheld IS NULL) AS maximum, bool_or(m.is_sample) AS is_sample, r.release_id
  FROM core.current_release c JOIN core.release r USING (release_id) CROSS JOIN LATERAL (
    SELECT o.provider_code, o.basis, o.peer_group, g.provider_code AS peer_code
    FROM core.peer_group o JOIN core.peer_group g ON g.release_id = r.release_id AND g.basis = o.basis AND g.peer_group = o.peer_group
    WHERE o.release_id = r.release_id AND g.provider_code <> o.provider_code
    UNION ALL
    SELECT n.provider_code, n.basis, n.basis || ':' || n.provider_code, n.peer_code FROM core.peer n WHERE n.release_id = r.release_id) p
  JOIN core.measure m ON m.release_id = r.release_id AND m.provider_code = p.peer_code
  JOIN core.series_rule q ON q.release_id = r.release_id AND q.metric_id = m.metric_id
  GROUP BY r.release_id, r.collection, r.period, m.metric_id, p.provider_code, p.basis, p.peer_group, q.least_peers) g;
SELECT core.write_as_at('peer_benchmarks');

CREATE OR REPLACE VIEW published.measures_restated AS
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
SELECT core.write_as_at('measures_restated');

CREATE OR REPLACE VIEW published.metrics AS
SELECT DISTINCT ON (m.metric_id) m.metric_id, m.name, m.unit, m.polarity, m.numerator, m.denominator, m.formula, m.lens, m.compartment,
       m.oversight_theme, m.recommendation, m.fed_by, m.not_fed_because, m.question, m.frequency, m.peer_basis, m.benchmark_default,
       m.min_peers, m.monetised, m.may_be_added, m.disclosure_class, m.basis, m.version, m.valid_from, m.checked_by, m.checked_on,
       m.check_again_by, m.missing_rows, m.tolerates_missing, m.window_months, m.window_rule
FROM core.metric m ORDER BY m.metric_id, m.version DESC;
SELECT core.write_moment_as_at('metrics');
CREATE OR REPLACE VIEW published.metric_versions AS SELECT * FROM core.metric;
SELECT core.write_moment_as_at('metric_versions');

-- Findings between returns name the provider that they are about; NULL: all that the submission speaks for.
CREATE OR REPLACE VIEW core.cross_findings AS
SELECT md5(concat_ws('|', x.submission_id, x.rule_id, x.sheet, x.line, x.column_name, x.message)) AS finding_id,
       x.submission_id, x.rule_id, 'warn' AS severity, 'trust' AS responsible, x.sheet, x.line, x.column_name, x.raw_value, x.message,
       w.decision_id, 'cross' AS scope, x.provider_code
FROM core.cross_finding x JOIN core.current_release r USING (release_id)
LEFT JOIN LATERAL (
  SELECT a.decision_id FROM core.applying a
  WHERE a.kind = 'waive' AND a.submission_id = x.submission_id AND a.rule_id = x.rule_id
    AND (jsonb_array_length(a.cells) = 0
         OR EXISTS (SELECT FROM jsonb_array_elements(a.cells) c WHERE c ->> 'message' = x.message))
  ORDER BY a.decision_id LIMIT 1) w ON true;

CREATE OR REPLACE VIEW intake.findings AS
SELECT md5(concat_ws('|', f.submission_id, f.rule_id, f.sheet, f.line, f.column_name, f.number)) AS finding_id,
       f.submission_id, f.rule_id, f.severity, f.responsible, f.sheet, f.line, f.column_name, f.raw_value, f.message, f.decision_id, f.scope,
       NULL::text AS provider_code
FROM core.finding f JOIN intake.validations v USING (submission_id, rules_version)
UNION ALL
-- Rules between periods, trusts and collections belong to the release that looked at both sides.
SELECT finding_id, submission_id, rule_id, severity, responsible, sheet, line, column_name, raw_value, message, decision_id, scope, provider_code
FROM core.cross_findings
UNION ALL
-- SUB01, SUB02, SUB03 follow from the log of receipts.
SELECT md5(concat_ws('|', s.submission_id, 'SUB01')), s.submission_id, 'SUB01', 'info', 'trust', NULL, NULL, NULL, NULL,
       format('Received %s, after the deadline of %s. It counts in timeliness only: nothing to do.',
              to_char(s.received_at AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI'),
              to_char(e.due AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI')), NULL, 'submission', NULL
FROM core.submission s JOIN core.expected e USING (collection, period, sender, part)
WHERE s.version = 1 AND s.received_at > e.due AND (e.closes IS NULL OR s.received_at <= e.closes)
UNION ALL
SELECT md5(concat_ws('|', s.submission_id, 'SUB02')), s.submission_id, 'SUB02', 'info', 'trust', NULL, NULL, NULL, NULL,
       format('Received %s, after the close of %s. It is in the next refresh, and in publications made after that.',
              to_char(s.received_at AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI'),
              to_char(e.closes AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI')), NULL, 'submission', NULL
FROM core.submission s JOIN core.expected e USING (collection, period, sender, part) WHERE s.received_at > e.closes
UNION ALL
SELECT md5(concat_ws('|', r.submission_id, 'SUB03', r.inbox_key, r.etag)), r.submission_id, 'SUB03', 'warn', 'trust', NULL, NULL, NULL, NULL,
       format('%s holds the same bytes as %s, which had been received. It was given a receipt and changes nothing: send the file that was meant, if another was.',
              split_part(r.inbox_key, '/', 2), s.file_name), NULL, 'submission', NULL
FROM core.receipt r JOIN core.submission s USING (submission_id) WHERE r.again;
