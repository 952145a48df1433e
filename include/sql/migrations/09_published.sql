-- Views for dashboards and analysts. Their names and columns are a promise: see docs/published-versions.md.

-- core.released_<view> has the rows of every release; published.<view> those of the current ones, and published.<view>_as_at those
-- that were current at a moment.
CREATE VIEW core.released_measures AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.provider_name, m.numerator, m.denominator, m.value, m.unit,
       m.quality_flag, m.percentile_rank, m.peer_group, r.release_id, m.is_sample, m.decisions, m.suppressed,
       m.rows_sent, m.rows_used, m.months_covered, m.months_expected, m.completeness,
       core.why_withheld(m.withheld, m.value, m.quality_flag, m.suppressed) AS withheld,
       core.why_withheld(coalesce(m.rank_withheld, m.withheld), m.percentile_rank, m.quality_flag, m.suppressed) AS rank_withheld
FROM core.release r JOIN core.measure m USING (release_key);
CREATE VIEW published.measures AS
SELECT f.* FROM core.standing c JOIN core.released_measures f USING (release_id);
COMMENT ON VIEW published.measures IS 'A metric''s value for each provider and period: one row for every provider that reported or was expected to.';
COMMENT ON COLUMN published.measures.value IS 'The metric''s value in its unit; NULL, never 0, where it is withheld, which `withheld` says.';
COMMENT ON COLUMN published.measures.quality_flag IS 'A accepted, B accepted with warnings, C late, D expected, and this figure or its return was not reported (value NULL, and `withheld` says why).';
COMMENT ON COLUMN published.measures.percentile_rank IS '0 to 100 within the provider''s sector, 100 the best by the metric''s polarity; equal values share; NULL for neutral metrics, fewer than five trusts and values that are not whole (rank_withheld says which).';
COMMENT ON COLUMN published.measures.peer_group IS 'The provider''s own peer group, in which its percentile rank is counted: ''sector:'' and its sector, or ''national''.';
COMMENT ON COLUMN published.measures.decisions IS 'Numbers of the acceptances, waivers and corrections without which the figure would be another; {} where there are none.';
COMMENT ON COLUMN published.measures.suppressed IS 'True where a count of people was too small to show: the value, and whichever part was small, are NULL.';
COMMENT ON COLUMN published.measures.rows_sent IS 'Rows of the provider in the returns that the figure is made of, over all months of its window; NULL in releases made before this was kept.';
COMMENT ON COLUMN published.measures.rows_used IS 'Of these, those that were accepted and counted; the others were rejected.';
COMMENT ON COLUMN published.measures.months_covered IS 'Months of its window of which the figure could use a return; 12 for a financial year.';
COMMENT ON COLUMN published.measures.months_expected IS 'Months that the metric is about: 1, 3 or 12.';
COMMENT ON COLUMN published.measures.completeness IS 'rows_used among rows_sent, times months_covered among months_expected, 0 to 1; rows do not matter where the metric is about returns.';
COMMENT ON COLUMN published.measures.withheld IS 'NULL where the value is whole and shown. Else a code of published.reasons: why the value is NULL, or (PARTIAL_ROWS, PARTIAL_MONTHS) why it is a part, which is not ranked, compared or added.';
COMMENT ON COLUMN published.measures.rank_withheld IS 'Why percentile_rank is NULL: a code of published.reasons; NULL where there is a rank.';

-- A group that is too small says so.
CREATE VIEW core.released_benchmarks AS
SELECT b.metric_id, r.collection, r.period, b.peer_group, b.providers, b.minimum, b.lower_quartile, b.median, b.upper_quartile,
       b.maximum, r.release_id, b.is_sample,
       CASE WHEN b.median IS NULL OR b.lower_quartile IS NULL THEN 'PEERS_TOO_FEW' END AS withheld
FROM core.release r JOIN core.benchmark b USING (release_key);
CREATE VIEW published.benchmarks AS
SELECT f.* FROM core.standing c JOIN core.released_benchmarks f USING (release_id);
COMMENT ON VIEW published.benchmarks IS 'The spread of a metric over a peer group and period. A figure over too few trusts is NULL: a median needs 5, quartiles and extremes 8 (10 nationally), or what the metric asks.';
COMMENT ON COLUMN published.benchmarks.providers IS 'How many providers have a value.';
COMMENT ON COLUMN published.benchmarks.minimum IS 'The lowest value.';
COMMENT ON COLUMN published.benchmarks.maximum IS 'The highest value.';

CREATE VIEW core.released_comparisons AS
SELECT k.metric_id, r.collection, r.period, k.provider_code, k.benchmark_kind, k.benchmark_value, k.variance, k.is_better,
       k.opportunity_gbp, k.stretch_opportunity_gbp, k.adds_to_total, r.release_id, r.is_sample, k.adds_over, i.lower, i.upper,
       core.compared(d.polarity, i.lower, i.upper, k.benchmark_value) AS compared,
       CASE WHEN core.compared(d.polarity, i.lower, i.upper, k.benchmark_value) IS NULL
            THEN core.why_not_compared(d.polarity, k.benchmark_value, i.withheld, d.no_interval) END AS not_compared
FROM core.release r JOIN core.comparison k USING (release_key)
LEFT JOIN core.release_metric u ON u.release_key = r.release_key AND u.metric_id = k.metric_id
LEFT JOIN core.metric d ON d.metric_id = u.metric_id AND d.version = u.version
LEFT JOIN core.value_interval i ON i.release_key = r.release_key AND i.metric_id = k.metric_id AND i.provider_code = k.provider_code;
CREATE VIEW published.comparisons AS
SELECT f.* FROM core.standing c JOIN core.released_comparisons f USING (release_id);
COMMENT ON VIEW published.comparisons IS 'Each provider''s value against each benchmark of its metric, and what it is worth. Opportunities overlap: sum only rows where adds_to_total is true, and only those of one adds_over. Values that are not whole have no row.';
COMMENT ON COLUMN published.comparisons.benchmark_kind IS 'national_median, peer_median, peer_lower_quartile, peer_upper_quartile, target, median_price or lowest_price; peers are the sector without the provider itself.';
COMMENT ON COLUMN published.comparisons.benchmark_value IS 'The benchmark, in the metric''s unit.';
COMMENT ON COLUMN published.comparisons.variance IS '(value - benchmark) / |benchmark|; NULL for a benchmark of 0.';
COMMENT ON COLUMN published.comparisons.is_better IS 'Whether the value is better than the benchmark by the metric''s polarity; NULL where equal or neutral.';
COMMENT ON COLUMN published.comparisons.compared IS 'better, similar or worse: on which side of the benchmark the value''s 95% interval lies, by the metric''s polarity; similar where the benchmark is within it. NULL where not_compared says why.';
COMMENT ON COLUMN published.comparisons.not_compared IS 'Why compared is NULL: a code of published.reasons.';
COMMENT ON COLUMN published.comparisons.opportunity_gbp IS 'What reaching the benchmark would be worth, in GBP; 0 where it is reached, never below; NULL where the metric has no money.';
COMMENT ON COLUMN published.comparisons.stretch_opportunity_gbp IS 'The same for the peers'' lower quartile.';
COMMENT ON COLUMN published.comparisons.adds_to_total IS 'True for the one row of a provider that may be summed over metrics of the same span.';
COMMENT ON COLUMN published.comparisons.adds_over IS 'The span that such an opportunity is about, first and last month (2025-04..2026-03) or one month (2025-06): add only equal ones. NULL where adds_to_total is false.';

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
  FROM core.current_release c JOIN core.release r USING (release_key) JOIN core.measure m USING (release_key)
  LEFT JOIN core.successor b ON b.release_key = m.release_key AND b.provider_code = m.provider_code
  LEFT JOIN core.series_rule q ON q.release_key = m.release_key AND q.metric_id = m.metric_id
  GROUP BY r.release_id, r.collection, r.period, m.metric_id, coalesce(b.successor_code, m.provider_code), q.adds, q.times) g;
COMMENT ON VIEW published.measures_restated IS 'The measures restated to today''s trusts: what trusts reported that are one now is summed, and divided afterwards. Totals are those of published.measures.';
COMMENT ON COLUMN published.measures_restated.provider_code IS 'Today''s provider; work that went to several providers stays with the one that reported it.';
COMMENT ON COLUMN published.measures_restated.numerator IS 'Sum of the numerators of the trusts that are one now.';
COMMENT ON COLUMN published.measures_restated.denominator IS 'Sum of their denominators.';
COMMENT ON COLUMN published.measures_restated.value IS 'Made of these sums; NULL where one of the trusts has no value, or values cannot be added.';
COMMENT ON COLUMN published.measures_restated.quality_flag IS 'The lowest quality among them: A, B, C or D.';
COMMENT ON COLUMN published.measures_restated.reported_by IS 'Who reported it: the provider itself, or the trusts it is made of.';

CREATE VIEW published.peers AS
SELECT r.collection, r.period, p.provider_code, p.basis, p.peer_group, p.peer_code, p.distance, p.features, r.release_id, r.is_sample
FROM core.current_release c JOIN core.release r USING (release_key) CROSS JOIN LATERAL (
  SELECT o.provider_code, o.basis, o.peer_group, g.provider_code AS peer_code, NULL::double precision AS distance, o.features
  FROM core.peer_group o JOIN core.peer_group g ON g.release_key = r.release_key AND g.basis = o.basis AND g.peer_group = o.peer_group
  WHERE o.release_key = r.release_key AND g.provider_code <> o.provider_code
  UNION ALL
  SELECT n.provider_code, n.basis, n.basis || ':' || n.provider_code, n.peer_code, n.distance, n.features
  FROM core.peer n WHERE n.release_key = r.release_key) p;
COMMENT ON VIEW published.peers IS 'Whom each provider is compared with in the figures of a collection and period, by each basis; never with itself.';
COMMENT ON COLUMN published.peers.peer_code IS 'The peer, by ODS code.';
COMMENT ON COLUMN published.peers.distance IS 'How far a nearest neighbour is on the standardised features; NULL for the other bases.';
COMMENT ON COLUMN published.peers.features IS 'What the group or distance is made of, in words.';

CREATE VIEW published.peer_benchmarks AS
SELECT b.metric_id, r.collection, r.period, b.provider_code, b.basis, b.peer_group, b.peers, b.peers_with_value, b.minimum, b.lower_quartile,
       b.median, b.upper_quartile, b.maximum, CASE WHEN b.lower_quartile IS NULL THEN 'PEERS_TOO_FEW' END AS withheld,
       r.release_id, b.is_sample
FROM core.current_release c JOIN core.release r USING (release_key) JOIN core.peer_benchmark b USING (release_key);
COMMENT ON VIEW published.peer_benchmarks IS 'The spread of a metric over each provider''s peers, the provider itself left out, by each basis. A figure over too few is NULL, and withheld says why: a median needs 5, quartiles and extremes 8, or what the metric asks.';
COMMENT ON COLUMN published.peer_benchmarks.peers IS 'Peers in the figures of this metric.';
COMMENT ON COLUMN published.peer_benchmarks.peers_with_value IS 'Of these, those with a value.';
COMMENT ON COLUMN published.peer_benchmarks.minimum IS 'The lowest value among the peers.';
COMMENT ON COLUMN published.peer_benchmarks.maximum IS 'The highest value among the peers.';

CREATE VIEW published.funnel AS
SELECT f.metric_id, r.collection, r.period, f.provider_code, m.value, f.kind, f.centre, f.lower_95, f.upper_95, f.lower_99_8, f.upper_99_8,
       f.position, f.z, f.phi, f.tau2, f.is_adjusted, f.withheld, r.release_id, m.is_sample
FROM core.current_release c JOIN core.release r USING (release_key) JOIN core.funnel f USING (release_key)
JOIN core.measure m ON m.release_key = f.release_key AND m.metric_id = f.metric_id AND m.provider_code = f.provider_code;
COMMENT ON VIEW published.funnel IS 'Who differs from the others by more than chance: each provider in the funnel of its metric and period, with limits widened for over-dispersion where there is any. Only metrics that count something.';
COMMENT ON COLUMN published.funnel.value IS 'The metric''s value in its unit; NULL where it is withheld.';
COMMENT ON COLUMN published.funnel.kind IS 'proportion (a part of a whole) or rate (events by exposure).';
COMMENT ON COLUMN published.funnel.centre IS 'All numerators over all denominators, in the metric''s unit.';
COMMENT ON COLUMN published.funnel.lower_95 IS 'Lower 95% limit at this provider''s size.';
COMMENT ON COLUMN published.funnel.upper_95 IS 'Upper 95% limit at this provider''s size.';
COMMENT ON COLUMN published.funnel.lower_99_8 IS 'Lower 99.8% limit at this provider''s size.';
COMMENT ON COLUMN published.funnel.upper_99_8 IS 'Upper 99.8% limit at this provider''s size.';
COMMENT ON COLUMN published.funnel.position IS 'below_99_8, below_95, within, above_95 or above_99_8.';
COMMENT ON COLUMN published.funnel.z IS 'Distance from the centre in standard errors of chance alone, on the scale of the method.';
COMMENT ON COLUMN published.funnel.phi IS 'How unlike the providers are anyway: mean squared z, winsorised; 1 is chance alone.';
COMMENT ON COLUMN published.funnel.tau2 IS 'Variance between providers on the scale of the method.';
COMMENT ON COLUMN published.funnel.is_adjusted IS 'True where the limits are widened for over-dispersion.';

CREATE VIEW published.size_adjusted AS
SELECT k.metric_id, r.collection, r.period, k.provider_code, k.size, k.cost_gbp, k.expected_cost_gbp, k.ratio, k.opportunity_gbp,
       k.variance_gbp, k.scale_effect_gbp, k.efficiency_effect_gbp, k.peers, k.peer_median_share, k.trusts, k.slope, k.slope_lower,
       k.slope_upper, k.r2, k.robust_slope, k.robust_slope_lower, k.robust_slope_upper, k.withheld, r.release_id, m.is_sample
FROM core.current_release c JOIN core.release r USING (release_key) JOIN core.size_cost k USING (release_key)
JOIN core.measure m ON m.release_key = k.release_key AND m.metric_id = k.metric_id AND m.provider_code = k.provider_code;
COMMENT ON VIEW published.size_adjusted IS 'Cost adjusted for size: each provider''s cost against what providers of its size cost, by a robust line over all returns of the period on log scales. variance_gbp = scale_effect_gbp + efficiency_effect_gbp.';
COMMENT ON COLUMN published.size_adjusted.size IS 'The size, in the unit of the metric''s denominator (income, floor area).';
COMMENT ON COLUMN published.size_adjusted.cost_gbp IS 'The cost: the metric''s numerator, GBP.';
COMMENT ON COLUMN published.size_adjusted.expected_cost_gbp IS 'Cost on the robust line at this size, GBP.';
COMMENT ON COLUMN published.size_adjusted.ratio IS 'Cost over expected cost.';
COMMENT ON COLUMN published.size_adjusted.opportunity_gbp IS 'What cost is above the expected, GBP; never below 0. It overlaps with the opportunities of published.comparisons.';
COMMENT ON COLUMN published.size_adjusted.variance_gbp IS 'What it costs beyond the median share of its peers, GBP.';
COMMENT ON COLUMN published.size_adjusted.scale_effect_gbp IS 'The part of it that providers of this size usually have, GBP.';
COMMENT ON COLUMN published.size_adjusted.efficiency_effect_gbp IS 'The rest: cost beyond the expected, GBP. A question, not a saving.';
COMMENT ON COLUMN published.size_adjusted.peers IS 'Providers that the peer median is taken over: all others with a cost and a size.';
COMMENT ON COLUMN published.size_adjusted.peer_median_share IS 'Median of their costs by unit of size.';
COMMENT ON COLUMN published.size_adjusted.trusts IS 'Providers that the line is fitted over.';
COMMENT ON COLUMN published.size_adjusted.slope IS 'Slope of ln(cost) on ln(size), least squares: below 1 means the smaller, the dearer.';
COMMENT ON COLUMN published.size_adjusted.slope_lower IS 'Lower end of its 95% interval (HC3).';
COMMENT ON COLUMN published.size_adjusted.slope_upper IS 'Upper end of its 95% interval (HC3).';
COMMENT ON COLUMN published.size_adjusted.r2 IS 'Share of the variance of ln(cost) that size explains.';
COMMENT ON COLUMN published.size_adjusted.robust_slope IS 'Slope of Huber''s robust line, which expected cost is read from.';
COMMENT ON COLUMN published.size_adjusted.robust_slope_lower IS 'Lower end of its 95% interval.';
COMMENT ON COLUMN published.size_adjusted.robust_slope_upper IS 'Upper end of its 95% interval.';

-- The XmR chart of every series, by the rule set of docs/methods.md; tests/methods compares it with two other calculations. Frames are ranges
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
                        WHEN d.series = 'stock' THEN
                          'The value is a level that mostly repeats the one before, so limits from changes between neighbours would be too narrow and are not drawn.'
                        WHEN d.series = 'seasonal' THEN
                          'The value follows the time of year, so limits about one mean would take each season for a change and are not drawn.'
                        WHEN d.series = 'to_date' THEN
                          'Each value adds up the year so far, so neighbours share most of their data; control limits are not drawn.'
                        WHEN d.series = 'rare' THEN 'There are too few events in a period for limits about a mean; they are not drawn.'
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
                           q.covers_months, q.series, q.rule_set
                    FROM core.current_release c JOIN core.release r USING (release_key) JOIN core.measure m USING (release_key)
                    JOIN core.series_rule q USING (release_key, metric_id)) s
                  WINDOW section AS (PARTITION BY s.collection, s.metric_id, s.provider_code, s.section)) a) b
              WINDOW section AS (PARTITION BY b.collection, b.metric_id, b.provider_code, b.section)) d
            WINDOW section AS (PARTITION BY d.collection, d.metric_id, d.provider_code, d.section)) e) f) g
      WINDOW section AS (PARTITION BY g.collection, g.metric_id, g.provider_code, g.section),
             three AS (section ORDER BY g.at RANGE BETWEEN 2 PRECEDING AND CURRENT ROW)) h
    WINDOW section AS (PARTITION BY h.collection, h.metric_id, h.provider_code, h.section),
           ahead AS (section ORDER BY h.at RANGE BETWEEN CURRENT ROW AND 6 FOLLOWING),
           sixth AS (section ORDER BY h.at RANGE BETWEEN 6 FOLLOWING AND 6 FOLLOWING)) i) j;
COMMENT ON VIEW published.signals IS 'The SPC chart (XmR) of each metric and provider over all its published periods: limits and signals, anew after each succession and declared break. Read the rows of one metric, or of one provider.';
COMMENT ON COLUMN published.signals.value IS 'The metric''s value in its unit where it is whole; else NULL, and published.measures says why.';
COMMENT ON COLUMN published.signals.section IS 'Stretch of the series between restarts, from 1; each has limits of its own.';
COMMENT ON COLUMN published.signals.is_restart IS 'True for the first point of a later section: a trust merged or handed over, or the metric is counted in another way.';
COMMENT ON COLUMN published.signals.moving_range IS 'Distance to the value of the period before; NULL where either is missing, and across a restart.';
COMMENT ON COLUMN published.signals.centre IS 'Mean of the section.';
COMMENT ON COLUMN published.signals.lower_limit IS 'Centre - 2.66 times the mean moving range (large ones screened out once).';
COMMENT ON COLUMN published.signals.upper_limit IS 'Centre + 2.66 times the mean moving range (large ones screened out once).';
COMMENT ON COLUMN published.signals.is_trial IS 'True while the section has fewer than 13 values: limits still move with each one.';
COMMENT ON COLUMN published.signals.signal IS 'outside_limits, trend, near_limit or shift: the first that holds; NULL for common cause and where nothing was judged.';
COMMENT ON COLUMN published.signals.signal_side IS 'high or low; of a trend: rising or falling.';
COMMENT ON COLUMN published.signals.assessment IS 'improvement, concern, neutral (a change of a metric without a good side) or common_cause; NULL where nothing was judged.';
COMMENT ON COLUMN published.signals.withheld IS 'Why the section has no limits, in words; NULL where it has.';
COMMENT ON COLUMN published.signals.rule_set IS 'Id of the rules that say what a signal is; another rule is another id.';

-- The spread alone, for everybody: at least three trusts, none of them named.
CREATE VIEW published.price_spread AS
SELECT r.collection, r.period, s.product_code, s.code_type, s.base_unit, s.description,
       s.trusts, s.lines, s.spend_gbp, s.lowest, s.lower_quartile, s.median, s.upper_quartile, s.highest, s.suspects_left_out,
       r.release_id, s.is_sample
FROM core.current_release c JOIN core.release r USING (release_key) JOIN core.price_spread s USING (release_key);
COMMENT ON VIEW published.price_spread IS 'Prices ordered (not paid), per base unit, over the twelve months that end in the period: the spread of a product over at least three trusts, none of them named.';
COMMENT ON COLUMN published.price_spread.description IS 'The product in words, as a trust wrote it.';
COMMENT ON COLUMN published.price_spread.trusts IS 'How many trusts are compared.';
COMMENT ON COLUMN published.price_spread.lines IS 'Order lines that are compared.';
COMMENT ON COLUMN published.price_spread.spend_gbp IS 'Spend on these lines, GBP without VAT.';
COMMENT ON COLUMN published.price_spread.lowest IS 'The lowest price of a base unit among trusts that bought three or more, GBP.';
COMMENT ON COLUMN published.price_spread.lower_quartile IS 'A quarter of the trusts pay less for a base unit, GBP.';
COMMENT ON COLUMN published.price_spread.median IS 'Half of the trusts pay less for a base unit, GBP.';
COMMENT ON COLUMN published.price_spread.upper_quartile IS 'Three quarters of the trusts pay less for a base unit, GBP.';
COMMENT ON COLUMN published.price_spread.highest IS 'The highest price of a base unit, GBP.';
COMMENT ON COLUMN published.price_spread.suspects_left_out IS 'Lines left out because their price is outside a fifth to five times of the median: a mistaken pack size is likely.';

CREATE VIEW published.price_comparison AS
SELECT r.collection, r.period, s.product_code, s.code_type, s.base_unit, s.description,
       s.trusts, s.lines, s.spend_gbp, s.lowest, s.lower_quartile, s.median, s.upper_quartile, s.highest, s.suspects_left_out,
       p.provider_code, p.lines AS provider_lines, p.base_units AS provider_base_units, p.spend_gbp AS provider_spend_gbp,
       p.unit_price_gbp, p.variance_to_median, p.opportunity_to_median_gbp, p.opportunity_to_lowest_gbp,
       r.release_id, p.is_sample
FROM core.current_release c JOIN core.release r USING (release_key) JOIN core.price_spread s USING (release_key)
JOIN core.price_position p ON p.release_key = s.release_key AND p.product_code = s.product_code
  AND p.code_type = s.code_type AND p.base_unit = s.base_unit
WHERE (SELECT core.reads_commercial());
COMMENT ON VIEW published.price_comparison IS 'Prices ordered (not paid), per base unit, over the twelve months that end in the period: the spread of a product over trusts, and each trust''s position. Commercial: only for members of the role published_commercial; others find no rows, and the spread in price_spread.';
COMMENT ON COLUMN published.price_comparison.description IS 'The product in words, as a trust wrote it.';
COMMENT ON COLUMN published.price_comparison.trusts IS 'How many trusts are compared.';
COMMENT ON COLUMN published.price_comparison.lines IS 'Order lines that are compared.';
COMMENT ON COLUMN published.price_comparison.spend_gbp IS 'Spend on these lines, GBP without VAT.';
COMMENT ON COLUMN published.price_comparison.lowest IS 'The lowest price of a base unit among trusts that bought three or more, GBP.';
COMMENT ON COLUMN published.price_comparison.lower_quartile IS 'A quarter of the trusts pay less for a base unit, GBP.';
COMMENT ON COLUMN published.price_comparison.median IS 'Half of the trusts pay less for a base unit, GBP.';
COMMENT ON COLUMN published.price_comparison.upper_quartile IS 'Three quarters of the trusts pay less for a base unit, GBP.';
COMMENT ON COLUMN published.price_comparison.highest IS 'The highest price of a base unit, GBP.';
COMMENT ON COLUMN published.price_comparison.suspects_left_out IS 'Lines left out because their price is outside a fifth to five times of the median: a mistaken pack size is likely.';
COMMENT ON COLUMN published.price_comparison.provider_lines IS 'Order lines of this trust.';
COMMENT ON COLUMN published.price_comparison.provider_base_units IS 'Base units that this trust bought.';
COMMENT ON COLUMN published.price_comparison.provider_spend_gbp IS 'This trust''s spend, GBP without VAT.';
COMMENT ON COLUMN published.price_comparison.unit_price_gbp IS 'What this trust pays for a base unit: spend over base units, GBP.';
COMMENT ON COLUMN published.price_comparison.variance_to_median IS '(price - median) / median.';
COMMENT ON COLUMN published.price_comparison.opportunity_to_median_gbp IS 'What this trust would save at the median price, GBP; never below 0.';
COMMENT ON COLUMN published.price_comparison.opportunity_to_lowest_gbp IS 'What this trust would save at the lowest price, GBP; never below 0.';

CREATE VIEW published.price_list AS
SELECT r.collection, r.period, l.part, l.product_code, l.pack_code, l.name, l.supplier, l.pack_size, l.unit, l.price_pence,
       l.price_per_unit_pence, l.change_on_previous_pence, r.release_id, l.is_sample
FROM core.current_release c JOIN core.release r USING (release_key) JOIN core.price_list l USING (release_key);
COMMENT ON VIEW published.price_list IS 'Prices of the Drug Tariff as published, and their change on the month before.';
COMMENT ON COLUMN published.price_list.part IS 'Part of the Drug Tariff: viii_a, cat_m or ix.';
COMMENT ON COLUMN published.price_list.pack_code IS 'The pack, by SNOMED code; text, never a number.';
COMMENT ON COLUMN published.price_list.name IS 'The product as sold.';
COMMENT ON COLUMN published.price_list.supplier IS 'Supplier.';
COMMENT ON COLUMN published.price_list.pack_size IS 'Units in a pack.';
COMMENT ON COLUMN published.price_list.unit IS 'What is counted in the pack.';
COMMENT ON COLUMN published.price_list.price_pence IS 'Price of a pack, in pence.';
COMMENT ON COLUMN published.price_list.price_per_unit_pence IS 'Price of one unit, in pence.';
COMMENT ON COLUMN published.price_list.change_on_previous_pence IS 'Change of the pack''s price on the previous month, in pence; NULL where it was not listed.';

CREATE VIEW published.kept_apart AS
SELECT r.collection, r.period, k.body_code, k.body_name, k.body_type, k.rows, r.release_id, r.is_sample
FROM core.current_release c JOIN core.release r USING (release_key) JOIN core.kept_apart k USING (release_key);
COMMENT ON VIEW published.kept_apart IS 'Rows of national files that are about bodies other than providers: recorded and counted, never measured.';
COMMENT ON COLUMN published.kept_apart.body_code IS 'The body''s code as published.';
COMMENT ON COLUMN published.kept_apart.body_name IS 'Its name as published.';
COMMENT ON COLUMN published.kept_apart.body_type IS 'Its kind as published.';
COMMENT ON COLUMN published.kept_apart.rows IS 'How many rows are about it.';

CREATE VIEW published.release_history AS
SELECT l.collection, l.period, r.release_id, l.published_at,
       coalesce(l.release_key = c.release_key AND l.published_at = c.published_at, false) AS is_current
FROM core.release_log l JOIN core.release r USING (release_key) LEFT JOIN core.current_release c ON (c.collection, c.period) = (l.collection, l.period);
COMMENT ON VIEW published.release_history IS 'Every move of the pointer that says which release of a collection and period is the current one.';
COMMENT ON COLUMN published.release_history.published_at IS 'When the release became the current one.';
COMMENT ON COLUMN published.release_history.is_current IS 'True for the move after which nothing has moved.';

CREATE VIEW published.editions AS
SELECT s.number, s.edition_id, s.switched_at, s.kind, s.releases, s.changed, s.reason FROM core.edition_switch s;
COMMENT ON VIEW published.editions IS 'Every switch from one edition to the next: a set of releases over all collections and periods, published in one transaction.';
COMMENT ON COLUMN published.editions.number IS 'The number of the switch, from 1; the highest is the one that holds.';
COMMENT ON COLUMN published.editions.edition_id IS 'The edition: made of its releases, so that the same set has the same name.';
COMMENT ON COLUMN published.editions.switched_at IS 'When it became the current one.';
COMMENT ON COLUMN published.editions.kind IS 'switch (what counts had changed) or rollback (a person went back to an earlier edition).';
COMMENT ON COLUMN published.editions.releases IS 'How many releases it has.';
COMMENT ON COLUMN published.editions.changed IS 'How many collections and periods have another release than in the edition before it.';
COMMENT ON COLUMN published.editions.reason IS 'Why, in a person''s words where it was a person, and which collections moved.';

-- Revision 0 is what stood when the period became final, or what was published first after that.
CREATE VIEW published.revisions AS
SELECT v.collection, v.period, v.revision, n.release_id, o.release_id AS previous_release_id, v.published_at,
       concat_ws(' ', v.reason, (SELECT string_agg(w.reason, ' ' ORDER BY w.verdict_id) FROM core.release_verdict w
         WHERE w.release_key = v.release_key AND w.verdict = 'released' AND w.given_at > v.published_at)) AS reason,
       v.values_changed
FROM core.revision v LEFT JOIN core.release n USING (release_key) LEFT JOIN core.release o ON o.release_key = v.previous_release_key
UNION ALL
SELECT k.collection, k.period, 0, z.release_id, NULL, z.published_at,
       CASE WHEN z.published_at <= k.final_from THEN 'It stood when the period became final.' ELSE 'First published, the period being final.' END, 0
FROM core.calendar k CROSS JOIN LATERAL (
  SELECT r.release_id, l.published_at FROM core.release_log l JOIN core.release r USING (release_key)
  WHERE (l.collection, l.period) = (k.collection, k.period)
  ORDER BY CASE WHEN l.published_at <= k.final_from THEN l.published_at END DESC NULLS LAST, l.published_at, l.move_id LIMIT 1) z
WHERE k.final_from <= now();
COMMENT ON VIEW published.revisions IS 'Every figure of a final period that was published anew, numbered, each with its reason.';
COMMENT ON COLUMN published.revisions.revision IS '0: what stood when the period became final, or was published first after that; then 1, 2 and so on.';
COMMENT ON COLUMN published.revisions.release_id IS 'The release that the revision published; NULL where a rollback left nothing.';
COMMENT ON COLUMN published.revisions.previous_release_id IS 'The release before it; NULL where none was.';
COMMENT ON COLUMN published.revisions.published_at IS 'When it was published.';
COMMENT ON COLUMN published.revisions.reason IS 'Why: the returns that differ by cause, decisions with their number and reason, versions of code and reference data, and what people added.';
COMMENT ON COLUMN published.revisions.values_changed IS 'How many values of measures differ from the release before it, also those that came or went.';

-- What was never published is nobody's figure yet; a steward sees why it would move before letting it through.
CREATE VIEW published.movements AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.step, m.cause, m.value_before, m.value_after,
       m.value_after - m.value_before AS change, p.release_id AS previous_release_id, r.release_id, r.is_sample
FROM core.movement m JOIN core.release r USING (release_key) JOIN core.release p ON p.release_key = m.previous_release_key
WHERE EXISTS (SELECT FROM core.release_log l WHERE (l.collection, l.period, l.release_key) = (r.collection, r.period, r.release_key));
COMMENT ON VIEW published.movements IS 'Why a figure moved from one release to the next: one row a step, each with one cause; the steps lead from the old value to the new.';
COMMENT ON COLUMN published.movements.step IS 'Its place: rules and reference data first, then what was sent, then what was decided.';
COMMENT ON COLUMN published.movements.cause IS 'code or definition, reference data, rule change, late data, resubmission, acceptance, correction, waiver, withdrawn submission, submission log (only data quality metrics), or rollback (a person went back to an earlier edition).';
COMMENT ON COLUMN published.movements.value_before IS 'The value before this step; NULL where there was none.';
COMMENT ON COLUMN published.movements.value_after IS 'The value after it; NULL where there is none any more.';
COMMENT ON COLUMN published.movements.change IS 'The difference; NULL where the value appeared or went away.';
COMMENT ON COLUMN published.movements.previous_release_id IS 'The release that was current before.';

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
FROM counted n LEFT JOIN expected e USING (collection, period) LEFT JOIN core.standing c USING (collection, period)
LEFT JOIN by_provider b USING (collection, period)
LEFT JOIN core.calendar k USING (collection, period) LEFT JOIN revised v USING (collection, period) LEFT JOIN coming d USING (collection)
LEFT JOIN LATERAL (SELECT s.edition_id, s.switched_at FROM core.edition_switch s ORDER BY s.number DESC LIMIT 1) t ON true;
COMMENT ON VIEW published.data_status IS 'How complete each collection and period is.';
COMMENT ON COLUMN published.data_status.expected IS 'Returns that are expected.';
COMMENT ON COLUMN published.data_status.received IS 'Senders and parts of which something came.';
COMMENT ON COLUMN published.data_status.accepted IS 'Of these, those with an accepted submission.';
COMMENT ON COLUMN published.data_status.held IS 'Of these, those with nothing accepted and a submission that is held.';
COMMENT ON COLUMN published.data_status.missing IS 'Expected returns of which nothing came.';
COMMENT ON COLUMN published.data_status.coverage IS 'Accepted among expected, 0 to 1; of a national file that must hold every trust, the trusts with rows that are used among those expected in it. NULL where nothing is expected.';
COMMENT ON COLUMN published.data_status.held_share IS 'Held among received, 0 to 1.';
COMMENT ON COLUMN published.data_status.waived_share IS 'Of the accepted, those that would be held without a steward''s decision, 0 to 1; NULL where nothing is accepted.';
COMMENT ON COLUMN published.data_status.standing IS 'provisional, or final: its figures change in numbered revisions only, which published.revisions lists.';
COMMENT ON COLUMN published.data_status.final_from IS 'When the period becomes final, by the collection''s calendar; NULL where no date has been put down yet.';
COMMENT ON COLUMN published.data_status.revision IS 'The number of the revision that is published; NULL while the period is provisional or nothing is published.';
COMMENT ON COLUMN published.data_status.next_due IS 'The collection''s next deadline, whatever the period; NULL where it has none, as a publisher''s own file.';
COMMENT ON COLUMN published.data_status.edition_id IS 'The current edition, of which the release is a part.';
COMMENT ON COLUMN published.data_status.as_at IS 'Since when the current edition holds: all that is published is as it was made known then.';
COMMENT ON COLUMN published.data_status.providers_expected IS 'Trusts that must be in the period''s national file: those of the collection''s sectors that were open on the period''s last day and after it, and any of the file before that the reference data does not know. NULL where no trust must be in a file.';
COMMENT ON COLUMN published.data_status.providers_missing IS 'Of these, those of which no row is used: not in the file, rejected, or the file itself is held or has not come. NULL where no trust must be in a file.';

CREATE VIEW published.reasons AS SELECT code, sentence FROM core.reason;
COMMENT ON VIEW published.reasons IS 'Why a figure is not there, or is there and is no more than a part: a sentence for every code that withheld and rank_withheld may hold.';
COMMENT ON COLUMN published.reasons.code IS 'The code.';
COMMENT ON COLUMN published.reasons.sentence IS 'What to print.';

-- The newest version of each; the others stay in metric_versions.
CREATE VIEW published.metrics AS SELECT DISTINCT ON (m.metric_id) m.* FROM core.metric m ORDER BY m.metric_id, m.version DESC;
COMMENT ON VIEW published.metrics IS 'What each metric means: the newest version of its definition.';
COMMENT ON COLUMN published.metrics.polarity IS 'higher_better, lower_better, target_100 or neutral: what percentile ranks and opportunities go by.';
COMMENT ON COLUMN published.metrics.numerator IS 'What is counted, in words.';
COMMENT ON COLUMN published.metrics.denominator IS 'What it is divided by, in words.';
COMMENT ON COLUMN published.metrics.formula IS 'How it is computed.';
COMMENT ON COLUMN published.metrics.lens IS 'The lens of the review that it belongs to.';
COMMENT ON COLUMN published.metrics.compartment IS 'Compartment of the model hospital that it belongs to.';
COMMENT ON COLUMN published.metrics.oversight_theme IS 'Theme of the oversight framework that it belongs to.';
COMMENT ON COLUMN published.metrics.recommendation IS 'The recommendation that it serves.';
COMMENT ON COLUMN published.metrics.fed_by IS 'Collections that feed it.';
COMMENT ON COLUMN published.metrics.not_fed_because IS 'Why no collection feeds it yet, where none does.';
COMMENT ON COLUMN published.metrics.question IS 'The question that it answers, as a board would ask it.';
COMMENT ON COLUMN published.metrics.frequency IS 'How often it is measured, and over how long.';
COMMENT ON COLUMN published.metrics.peer_basis IS 'Whom a trust is meant to be compared with.';
COMMENT ON COLUMN published.metrics.benchmark_default IS 'The benchmark that it is held against first.';
COMMENT ON COLUMN published.metrics.min_peers IS 'The fewest trusts that a median is shown for; never fewer than five.';
COMMENT ON COLUMN published.metrics.monetised IS 'Whether a better value is worth money, and how that is worked out.';
COMMENT ON COLUMN published.metrics.may_be_added IS 'True where its opportunity may be added to that of other metrics; others overlap.';
COMMENT ON COLUMN published.metrics.disclosure_class IS 'persons: it counts people, so small numbers are withheld; organisational: it does not.';
COMMENT ON COLUMN published.metrics.basis IS 'Where the definition comes from: R and a number is a source of the domain notes, GK general knowledge, PD a proposal of this project.';
COMMENT ON COLUMN published.metrics.version IS 'Version of the definition; a change of what is computed is a new one.';
COMMENT ON COLUMN published.metrics.valid_from IS 'First day of the first period that this version defines; NULL for the first, which defines every period before the second.';
COMMENT ON COLUMN published.metrics.checked_by IS 'Who checked the definition.';
COMMENT ON COLUMN published.metrics.checked_on IS 'When they did.';
COMMENT ON COLUMN published.metrics.check_again_by IS 'When it is to be checked again.';
COMMENT ON COLUMN published.metrics.missing_rows IS 'What becomes of a figure when rows of its provider were rejected: withhold (not shown), mark (shown as a part) or none (it is not made of rows).';
COMMENT ON COLUMN published.metrics.tolerates_missing IS 'The share of the rows that may be missing before that.';
COMMENT ON COLUMN published.metrics.window_months IS 'Months that a value is about.';
COMMENT ON COLUMN published.metrics.counts IS 'What chance moves its values by: proportion (people or events among all) or rate (events by exposure); NULL where they have no interval.';
COMMENT ON COLUMN published.metrics.no_interval IS 'Why its values have no interval: a code of published.reasons; NULL where they have.';
COMMENT ON COLUMN published.metrics.series IS 'Whether published.signals draws limits: flow (each period counts anew; it does), stock (a level that mostly repeats the one before), seasonal (follows the time of year), rare (few events) or to_date (the year so far); for these it says why not.';
COMMENT ON COLUMN published.metrics.window_rule IS 'What becomes of a figure that covers fewer: whole (not shown) or mark (shown as a part).';

CREATE VIEW published.metric_versions AS SELECT * FROM core.metric;
COMMENT ON VIEW published.metric_versions IS 'Every version of every metric''s definition. Which one a figure follows is in published.definitions_used.';
COMMENT ON COLUMN published.metric_versions.polarity IS 'higher_better, lower_better, target_100 or neutral: what percentile ranks and opportunities go by.';
COMMENT ON COLUMN published.metric_versions.numerator IS 'What is counted, in words.';
COMMENT ON COLUMN published.metric_versions.denominator IS 'What it is divided by, in words.';
COMMENT ON COLUMN published.metric_versions.formula IS 'How it is computed.';
COMMENT ON COLUMN published.metric_versions.lens IS 'The lens of the review that it belongs to.';
COMMENT ON COLUMN published.metric_versions.compartment IS 'Compartment of the model hospital that it belongs to.';
COMMENT ON COLUMN published.metric_versions.oversight_theme IS 'Theme of the oversight framework that it belongs to.';
COMMENT ON COLUMN published.metric_versions.recommendation IS 'The recommendation that it serves.';
COMMENT ON COLUMN published.metric_versions.fed_by IS 'Collections that feed it.';
COMMENT ON COLUMN published.metric_versions.not_fed_because IS 'Why no collection feeds it yet, where none does.';
COMMENT ON COLUMN published.metric_versions.question IS 'The question that it answers, as a board would ask it.';
COMMENT ON COLUMN published.metric_versions.frequency IS 'How often it is measured, and over how long.';
COMMENT ON COLUMN published.metric_versions.peer_basis IS 'Whom a trust is meant to be compared with.';
COMMENT ON COLUMN published.metric_versions.benchmark_default IS 'The benchmark that it is held against first.';
COMMENT ON COLUMN published.metric_versions.min_peers IS 'The fewest trusts that a median is shown for; never fewer than five.';
COMMENT ON COLUMN published.metric_versions.monetised IS 'Whether a better value is worth money, and how that is worked out.';
COMMENT ON COLUMN published.metric_versions.may_be_added IS 'True where its opportunity may be added to that of other metrics; others overlap.';
COMMENT ON COLUMN published.metric_versions.disclosure_class IS 'persons: it counts people, so small numbers are withheld; organisational: it does not.';
COMMENT ON COLUMN published.metric_versions.basis IS 'Where the definition comes from: R and a number is a source of the domain notes, GK general knowledge, PD a proposal of this project.';
COMMENT ON COLUMN published.metric_versions.version IS 'Version of the definition; a change of what is computed is a new one.';
COMMENT ON COLUMN published.metric_versions.valid_from IS 'First day of the first period that this version defines; NULL for the first, which defines every period before the second.';
COMMENT ON COLUMN published.metric_versions.checked_by IS 'Who checked the definition.';
COMMENT ON COLUMN published.metric_versions.checked_on IS 'When they did.';
COMMENT ON COLUMN published.metric_versions.check_again_by IS 'When it is to be checked again.';
COMMENT ON COLUMN published.metric_versions.missing_rows IS 'What becomes of a figure when rows of its provider were rejected: withhold (not shown), mark (shown as a part) or none (it is not made of rows).';
COMMENT ON COLUMN published.metric_versions.tolerates_missing IS 'The share of the rows that may be missing before that.';
COMMENT ON COLUMN published.metric_versions.window_months IS 'Months that a value is about.';
COMMENT ON COLUMN published.metric_versions.counts IS 'What chance moves its values by: proportion (people or events among all) or rate (events by exposure); NULL where they have no interval.';
COMMENT ON COLUMN published.metric_versions.no_interval IS 'Why its values have no interval: a code of published.reasons; NULL where they have.';
COMMENT ON COLUMN published.metric_versions.series IS 'Whether published.signals draws limits: flow (each period counts anew; it does), stock (a level that mostly repeats the one before), seasonal (follows the time of year), rare (few events) or to_date (the year so far); for these it says why not.';
COMMENT ON COLUMN published.metric_versions.window_rule IS 'What becomes of a figure that covers fewer: whole (not shown) or mark (shown as a part).';

CREATE VIEW core.released_definitions AS
SELECT d.metric_id, r.collection, r.period, d.version, r.release_id, r.is_sample FROM core.release r JOIN core.release_metric d USING (release_key);
CREATE VIEW published.definitions_used AS
SELECT f.* FROM core.standing c JOIN core.released_definitions f USING (release_id);
COMMENT ON VIEW published.definitions_used IS 'Which version of its metric''s definition the figures of each release follow; join measures by release_id and metric_id.';
COMMENT ON COLUMN published.definitions_used.version IS 'The version, as in published.metric_versions.';

CREATE VIEW published.recommendations AS SELECT * FROM core.recommendation;
COMMENT ON VIEW published.recommendations IS 'The sixteen recommendations of the review.';
COMMENT ON COLUMN published.recommendations.area IS 'What it is about.';
COMMENT ON COLUMN published.recommendations.owner IS 'Who was asked to act.';
COMMENT ON COLUMN published.recommendations.deadline IS 'The deadline in words.';
COMMENT ON COLUMN published.recommendations.deadline_end_date IS 'The deadline as a date or dates.';
COMMENT ON COLUMN published.recommendations.collections IS 'Collections that tell how it goes.';

CREATE VIEW published.cohort AS SELECT * FROM core.cohort;
COMMENT ON VIEW published.cohort IS 'The 23 trusts chosen in 2017.';
COMMENT ON COLUMN published.cohort.code IS 'The trust, by ODS code.';
COMMENT ON COLUMN published.cohort.name_2017 IS 'Its name in 2017.';

CREATE VIEW published.providers AS
SELECT p.code AS provider_code, n.name AS provider_name, p.sector, p.region, p.kind, p.open_from, p.open_to,
       EXISTS (SELECT 1 FROM core.cohort c WHERE c.code = p.code) AS in_cohort
FROM core.provider p LEFT JOIN LATERAL (
  SELECT name FROM core.provider_name n WHERE n.code = p.code ORDER BY valid_from DESC NULLS LAST LIMIT 1) n ON true;
COMMENT ON VIEW published.providers IS 'Every provider that is known, with its latest name.';
COMMENT ON COLUMN published.providers.provider_name IS 'Its latest name.';
COMMENT ON COLUMN published.providers.kind IS 'trust, care_trust or social_enterprise.';
COMMENT ON COLUMN published.providers.open_from IS 'Its first day; NULL where not known.';
COMMENT ON COLUMN published.providers.open_to IS 'Its last day; NULL while it is open.';
COMMENT ON COLUMN published.providers.in_cohort IS 'Whether it is one of the 23.';

CREATE VIEW published.successions AS SELECT from_code, to_code, legal_date, type, verified, source FROM core.succession;
COMMENT ON VIEW published.successions IS 'What became of providers: mergers, transfers and renames.';
COMMENT ON COLUMN published.successions.from_code IS 'The provider it happened to.';
COMMENT ON COLUMN published.successions.to_code IS 'The provider its work went to (the same for a rename).';
COMMENT ON COLUMN published.successions.legal_date IS 'The day from which it holds.';
COMMENT ON COLUMN published.successions.type IS 'What kind of change it was.';
COMMENT ON COLUMN published.successions.verified IS 'Whether it was checked against a second source.';

-- What people entered, as the timeline shows it. Who entered it is in intake.events, not here: this is published.
CREATE VIEW core.entered_events AS
SELECT e.event_id, e.occurred_from, e.occurred_to, e.date_precision, e.kind, 'entered' AS layer, e.status, e.provider_code, e.collection, e.period,
       e.recommendation_number, CASE WHEN e.actor = '' THEN '' ELSE e.actor || ': ' END || e.summary AS summary, e.source, e.confidence,
       nullif(e.audience, '') AS audience, e.fulfils, e.entered_at, w.withdrawn_at
FROM core.event e LEFT JOIN core.event_withdrawal w USING (event_id);

-- What people entered is shown at once.
CREATE VIEW published.engagement_timeline AS
SELECT event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
       recommendation_number, summary, source, confidence, audience, fulfils
FROM core.timeline
UNION ALL
SELECT event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
       recommendation_number, summary, source, confidence, audience, fulfils
FROM core.entered_events WHERE withdrawn_at IS NULL;
COMMENT ON VIEW published.engagement_timeline IS 'What happened, was planned or was due: the programme''s own events, events of trusts, and those that follow from the log.';
COMMENT ON COLUMN published.engagement_timeline.event_id IS 'The event; the same facts give the same one.';
COMMENT ON COLUMN published.engagement_timeline.occurred_from IS 'When it happened or began.';
COMMENT ON COLUMN published.engagement_timeline.occurred_to IS 'When it ended; NULL for a single day.';
COMMENT ON COLUMN published.engagement_timeline.date_precision IS 'How exactly the date is known: day, week, month, quarter, season or year; the date is where that stretch begins.';
COMMENT ON COLUMN published.engagement_timeline.kind IS 'What kind of event it is.';
COMMENT ON COLUMN published.engagement_timeline.layer IS 'programme and trust (the reviewed reference data, about the programme or a trust), derived (follows from the log) or entered (people added it).';
COMMENT ON COLUMN published.engagement_timeline.status IS 'planned, actual, inferred or deadline.';
COMMENT ON COLUMN published.engagement_timeline.provider_code IS 'The provider it is about, by ODS code; NULL where it is about all or none.';
COMMENT ON COLUMN published.engagement_timeline.recommendation_number IS 'The recommendation it is about; NULL where none.';
COMMENT ON COLUMN published.engagement_timeline.confidence IS 'How sure its source is: high, medium or low; NULL for what follows from the log. Show what is not high as such.';
COMMENT ON COLUMN published.engagement_timeline.audience IS 'For whom it was, as the source says; NULL where it does not.';
COMMENT ON COLUMN published.engagement_timeline.fulfils IS 'The plan that it is the outcome of; NULL where it is of none.';

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
COMMENT ON VIEW published.provider_ancestors IS 'Whom a provider took over, by merger or acquisition, however many steps ago. A part that moved (service transfer) makes no ancestor.';
COMMENT ON COLUMN published.provider_ancestors.ancestor_code IS 'The provider that was taken over, by ODS code.';
COMMENT ON COLUMN published.provider_ancestors.joined_on IS 'The legal date on which its line joined the provider''s.';
COMMENT ON COLUMN published.provider_ancestors.steps IS 'How many successions lie between the two.';
COMMENT ON COLUMN published.provider_ancestors.verified IS 'The weakest of these successions: yes, partial or no.';

-- A lane for each provider: its own events and its ancestors', each with whose it was.
CREATE VIEW published.provider_lanes AS
SELECT f.provider_code, f.own_code, f.joined_on, e.event_id, e.occurred_from, e.occurred_to, e.date_precision, e.kind, e.layer, e.status,
       e.collection, e.period, e.recommendation_number, e.summary, e.source, e.confidence
FROM (SELECT code AS provider_code, code AS own_code, NULL::date AS joined_on FROM core.provider
      UNION ALL SELECT a.provider_code, a.ancestor_code, a.joined_on FROM published.provider_ancestors a) AS f
JOIN published.engagement_timeline e ON e.provider_code = f.own_code;
COMMENT ON VIEW published.provider_lanes IS 'The timeline as a lane for each provider: its own events, and those of the providers that it took over. Events stay with a provider through mergers.';
COMMENT ON COLUMN published.provider_lanes.own_code IS 'Whose event it is: the provider''s own code, or its ancestor''s.';
COMMENT ON COLUMN published.provider_lanes.joined_on IS 'When that ancestor''s line joined; NULL for the provider''s own events.';
COMMENT ON COLUMN published.provider_lanes.event_id IS 'The event in published.engagement_timeline.';
COMMENT ON COLUMN published.provider_lanes.occurred_from IS 'When it happened or began.';
COMMENT ON COLUMN published.provider_lanes.occurred_to IS 'When it ended; NULL for a single day.';
COMMENT ON COLUMN published.provider_lanes.date_precision IS 'How exactly the date is known.';
COMMENT ON COLUMN published.provider_lanes.kind IS 'What kind of event it is.';
COMMENT ON COLUMN published.provider_lanes.layer IS 'trust, derived or entered.';
COMMENT ON COLUMN published.provider_lanes.status IS 'planned, actual, inferred or deadline.';
COMMENT ON COLUMN published.provider_lanes.recommendation_number IS 'The recommendation it is about; NULL where none.';
COMMENT ON COLUMN published.provider_lanes.confidence IS 'How sure its source is; NULL for what follows from the log.';

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
COMMENT ON VIEW published.programme_plan IS 'Each plan and deadline of the programme and its trusts beside its outcome. Returns have their deadlines in the log, and are not here.';
COMMENT ON COLUMN published.programme_plan.plan_id IS 'The plan''s event.';
COMMENT ON COLUMN published.programme_plan.layer IS 'programme, trust or entered.';
COMMENT ON COLUMN published.programme_plan.kind IS 'What kind of event was planned.';
COMMENT ON COLUMN published.programme_plan.status IS 'planned or deadline.';
COMMENT ON COLUMN published.programme_plan.provider_code IS 'The trust it is about; NULL where it is about all or none.';
COMMENT ON COLUMN published.programme_plan.recommendation_number IS 'The recommendation it is about; NULL where none.';
COMMENT ON COLUMN published.programme_plan.planned_from IS 'The day, or the first day of the stretch, that it was planned for.';
COMMENT ON COLUMN published.programme_plan.planned_to IS 'The last day of that stretch, where the source gives it.';
COMMENT ON COLUMN published.programme_plan.planned_precision IS 'How exactly the plan is dated.';
COMMENT ON COLUMN published.programme_plan.due_by IS 'The last day that the plan may mean; slippage is counted from it.';
COMMENT ON COLUMN published.programme_plan.plan_summary IS 'What was planned.';
COMMENT ON COLUMN published.programme_plan.plan_source IS 'Where the plan is known from.';
COMMENT ON COLUMN published.programme_plan.plan_confidence IS 'How sure that source is.';
COMMENT ON COLUMN published.programme_plan.outcome IS 'happened, ''not yet'' (its last day is still to come), or ''no source says'' (that day has passed, and what became of it is not known).';
COMMENT ON COLUMN published.programme_plan.actual_id IS 'The event that is its outcome, where a source or a person says which.';
COMMENT ON COLUMN published.programme_plan.actual_from IS 'When that was.';
COMMENT ON COLUMN published.programme_plan.actual_to IS 'When that ended; NULL for a single day.';
COMMENT ON COLUMN published.programme_plan.actual_precision IS 'How exactly that is dated.';
COMMENT ON COLUMN published.programme_plan.actual_summary IS 'What happened.';
COMMENT ON COLUMN published.programme_plan.actual_source IS 'Where that is known from.';
COMMENT ON COLUMN published.programme_plan.slippage_days IS 'Days from due_by to the outcome, negative where it came earlier; NULL unless the outcome is known to the day.';
COMMENT ON COLUMN published.programme_plan.slippage_least_days IS 'The least that it can have been, by the first day that the outcome may mean.';
COMMENT ON COLUMN published.programme_plan.slippage_most_days IS 'The most, by the last day that the outcome may mean.';

-- What sources disagree about: every claim with its source. None is chosen.
CREATE VIEW published.contradictions AS
SELECT c.topic, c.claim, c.source, c.event_id, c.verified, c.note FROM core.contradiction c;
COMMENT ON VIEW published.contradictions IS 'What sources disagree about: each claim with its source, side by side. None of them is chosen here.';
COMMENT ON COLUMN published.contradictions.topic IS 'What they disagree about.';
COMMENT ON COLUMN published.contradictions.claim IS 'What this source says.';
COMMENT ON COLUMN published.contradictions.event_id IS 'The event of the timeline that it bears on; NULL where there is none.';
COMMENT ON COLUMN published.contradictions.verified IS 'Whether the claim was seen in its source: yes, partial, or no (told at second hand).';
COMMENT ON COLUMN published.contradictions.note IS 'What to know about the claim.';

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
COMMENT ON VIEW published.board_reports IS 'Which trusts told their boards about which recommendation, and when. A paper of which it is known what it covered has a row for each recommendation.';
COMMENT ON COLUMN published.board_reports.recommendation_number IS 'The recommendation.';
COMMENT ON COLUMN published.board_reports.provider_code IS 'The trust.';
COMMENT ON COLUMN published.board_reports.event_id IS 'The event in published.engagement_timeline.';
COMMENT ON COLUMN published.board_reports.occurred_from IS 'When the board had it.';
COMMENT ON COLUMN published.board_reports.occurred_to IS 'The last day of that stretch; NULL for a single day.';
COMMENT ON COLUMN published.board_reports.date_precision IS 'How exactly the date is known.';
COMMENT ON COLUMN published.board_reports.kind IS 'board_report, board_paper, board_briefing or board_update.';
COMMENT ON COLUMN published.board_reports.said IS 'reported, or of a paper that goes through the recommendations: covered, not covered, not applicable.';
COMMENT ON COLUMN published.board_reports.layer IS 'trust or entered.';
COMMENT ON COLUMN published.board_reports.summary IS 'What was told.';
COMMENT ON COLUMN published.board_reports.confidence IS 'How sure its source is.';

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
COMMENT ON VIEW published.recommendation_progress IS 'The evidence for each recommendation: the metrics linked to it, a row each, with the newest national median, how it moved in a year, what it rests on, and how many trusts reported to their boards.';
COMMENT ON COLUMN published.recommendation_progress.recommendation_number IS 'The recommendation.';
COMMENT ON COLUMN published.recommendation_progress.area IS 'What it is about.';
COMMENT ON COLUMN published.recommendation_progress.owner IS 'Who was asked to act.';
COMMENT ON COLUMN published.recommendation_progress.deadline IS 'The deadline in words.';
COMMENT ON COLUMN published.recommendation_progress.metric_id IS 'A metric linked to it; NULL where none is linked.';
COMMENT ON COLUMN published.recommendation_progress.metric_name IS 'Its name.';
COMMENT ON COLUMN published.recommendation_progress.polarity IS 'Which way is better.';
COMMENT ON COLUMN published.recommendation_progress.collection IS 'The collection that feeds the figures; NULL where none has any yet.';
COMMENT ON COLUMN published.recommendation_progress.period IS 'The newest published period with a value.';
COMMENT ON COLUMN published.recommendation_progress.providers IS 'How many trusts have a value in it.';
COMMENT ON COLUMN published.recommendation_progress.median IS 'The national median; NULL where too few trusts have a value.';
COMMENT ON COLUMN published.recommendation_progress.coverage IS 'Accepted among expected returns of that period, 0 to 1.';
COMMENT ON COLUMN published.recommendation_progress.period_before IS 'The period a year before, where it is published.';
COMMENT ON COLUMN published.recommendation_progress.median_before IS 'Its national median.';
COMMENT ON COLUMN published.recommendation_progress.coverage_before IS 'Its coverage: compare only what rests on alike shares.';
COMMENT ON COLUMN published.recommendation_progress.change IS 'The newest median less that of a year before.';
COMMENT ON COLUMN published.recommendation_progress.direction IS 'better, worse or unchanged by the metric''s polarity; higher or lower where it is neutral; ''too early to say'' without a median on both sides.';
COMMENT ON COLUMN published.recommendation_progress.is_sample IS 'True where sample returns had a part in one of the two medians.';
COMMENT ON COLUMN published.recommendation_progress.boards_reported IS 'How many trusts are known to have reported to their boards on the recommendation.';
COMMENT ON COLUMN published.recommendation_progress.last_board_report IS 'The last such report; NULL where none is known.';

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
COMMENT ON VIEW published.engagement_facts IS 'How each trust fared with each collection, from the log. A fact that rests on less than its minimum is NULL and named in too_early. Of the trust itself, not of its ancestors.';
COMMENT ON COLUMN published.engagement_facts.first_due IS 'The first deadline that the trust was given.';
COMMENT ON COLUMN published.engagement_facts.first_accepted IS 'The day on which the first return came that stands accepted.';
COMMENT ON COLUMN published.engagement_facts.days_to_first_accepted IS 'Days from first_due to first_accepted, negative where it came before; NULL until there is one.';
COMMENT ON COLUMN published.engagement_facts.returns_accepted IS 'Periods with a return that stands accepted.';
COMMENT ON COLUMN published.engagement_facts.rounds_to_clean IS 'Versions that it took until one was accepted, the mean over periods; 1 is at once. NULL for fewer periods than rounds_minimum.';
COMMENT ON COLUMN published.engagement_facts.rounds_minimum IS 'Accepted periods that rounds_to_clean needs.';
COMMENT ON COLUMN published.engagement_facts.periods_due IS 'Of the last twelve periods whose deadline has passed, how many there are.';
COMMENT ON COLUMN published.engagement_facts.on_time IS 'In how many of these the first version came by the deadline.';
COMMENT ON COLUMN published.engagement_facts.share_on_time IS 'on_time among periods_due, 0 to 1; NULL for fewer periods than share_minimum.';
COMMENT ON COLUMN published.engagement_facts.share_minimum IS 'Periods that share_on_time needs.';
COMMENT ON COLUMN published.engagement_facts.too_early IS 'Which of days_to_first_accepted, rounds_to_clean and share_on_time it is too early to say; {} where none.';
COMMENT ON COLUMN published.engagement_facts.is_sample IS 'True where a return of the trust in this collection is a sample.';

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
COMMENT ON VIEW published.versions IS 'The versions of these views that are kept side by side, each in a schema of its own; published itself is the newest.';
COMMENT ON COLUMN published.versions.version IS 'The first number of the data contract''s version.';
COMMENT ON COLUMN published.versions.schema_name IS 'The schema that holds its views.';
COMMENT ON COLUMN published.versions.since IS 'The day from which it is there.';
COMMENT ON COLUMN published.versions.ends_on IS 'The last day on which it is there; NULL while no end is set.';
COMMENT ON COLUMN published.versions.what_changed IS 'What is different from the version before.';

-- One tidy table: beside each figure its names, its dates, what it is compared with and what it is worth.
CREATE VIEW published.figures AS
SELECT m.metric_id, d.name AS metric_name, m.collection, m.period, core.period_start(m.period) AS period_start,
       core.period_end(m.period) AS period_end, CASE WHEN core.is_year(m.period) THEN 'financial_year' ELSE 'month' END AS period_type,
       m.provider_code, m.provider_name, p.sector, p.region, m.value, m.unit, d.polarity, m.numerator, m.denominator,
       m.peer_group, b.providers AS peers_with_value, b.lower_quartile, b.median, b.upper_quartile, m.percentile_rank,
       CASE WHEN m.percentile_rank IS NOT NULL THEN least(4, floor(m.percentile_rank / 25)::int + 1) END AS quartile, k.opportunity_gbp, k.adds_over,
       m.quality_flag, m.completeness, m.rows_sent, m.rows_used, m.months_covered, m.months_expected, m.suppressed,
       m.withheld, w.sentence AS reason, m.rank_withheld, m.decisions, m.release_id, c.published_at, m.is_sample,
       i.lower, i.upper, i.rank_lowest, i.rank_highest, core.compared(d.polarity, i.lower, i.upper, b.median) AS compared,
       CASE WHEN core.compared(d.polarity, i.lower, i.upper, b.median) IS NULL
            THEN coalesce(m.withheld, core.why_not_compared(d.polarity, b.median, i.withheld, d.no_interval)) END AS not_compared
FROM core.standing c JOIN core.released_measures m USING (release_id)
LEFT JOIN core.release_metric u ON u.release_key = c.release_key AND u.metric_id = m.metric_id
LEFT JOIN core.metric d ON d.metric_id = u.metric_id AND d.version = u.version
LEFT JOIN core.provider p ON p.code = m.provider_code
LEFT JOIN core.benchmark b ON b.release_key = c.release_key AND b.metric_id = m.metric_id AND b.peer_group = m.peer_group
LEFT JOIN core.comparison k ON k.release_key = c.release_key AND k.metric_id = m.metric_id AND k.provider_code = m.provider_code AND k.adds_to_total
LEFT JOIN core.value_interval i ON i.release_key = c.release_key AND i.metric_id = m.metric_id AND i.provider_code = m.provider_code
LEFT JOIN core.reason w ON w.code = m.withheld;
COMMENT ON VIEW published.figures IS 'One table for all: every figure of published.measures with its names and dates, the spread of its peer group, its quartile, what it is worth, and what it rests on.';
COMMENT ON COLUMN published.figures.metric_name IS 'The metric''s name, by the version of its definition that the figure follows.';
COMMENT ON COLUMN published.figures.polarity IS 'higher_better, lower_better, target_100 or neutral: what rank and quartile go by.';
COMMENT ON COLUMN published.figures.peers_with_value IS 'Trusts of the peer group that have a value.';
COMMENT ON COLUMN published.figures.quartile IS '1 (worst) to 4 (best) quarter of the peer group by percentile_rank; NULL where there is no rank.';
COMMENT ON COLUMN published.figures.opportunity_gbp IS 'What reaching the benchmark would be worth, in GBP, where it may be added to that of other metrics of the same adds_over; NULL elsewhere (see published.comparisons).';
COMMENT ON COLUMN published.figures.adds_over IS 'The span that the opportunity is about: add only equal ones.';
COMMENT ON COLUMN published.figures.rank_lowest IS 'The lowest percentile rank that chance leaves possible: as if every trust whose interval overlaps were better. NULL where there is no interval or no rank.';
COMMENT ON COLUMN published.figures.rank_highest IS 'The highest percentile rank that chance leaves possible: as if every trust whose interval overlaps were worse.';
COMMENT ON COLUMN published.figures.compared IS 'better, similar or worse than the median of its peer group: on which side of it the value''s 95% interval lies, by the metric''s polarity. NULL where not_compared says why.';
COMMENT ON COLUMN published.figures.not_compared IS 'Why compared is NULL: a code of published.reasons.';
COMMENT ON COLUMN published.figures.reason IS 'The sentence to print where the value is withheld or no more than a part.';

CREATE VIEW published.latest AS
SELECT DISTINCT ON (f.collection, f.metric_id, f.provider_code) f.*
FROM published.figures f ORDER BY f.collection, f.metric_id, f.provider_code, f.is_sample, f.period_start DESC;
COMMENT ON VIEW published.latest IS 'Of published.figures the newest period of each metric and provider; a sample stands only where there is no real one.';
