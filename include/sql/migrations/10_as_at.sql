-- As at: what published views said at a moment. The functions run with their owner's rights, because readers see nothing of core; their
-- search_path is fixed, so that nobody's tables stand in for ours.

CREATE FUNCTION published.releases_as_at(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL)
RETURNS SETOF published.release_history LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.collection, s.period, s.release_id, s.published_at, coalesce(s.release_id = c.release_id AND s.published_at = c.published_at, false)
  FROM core.releases_at($1, $2, $3) s LEFT JOIN core.standing c USING (collection, period) WHERE s.release_id IS NOT NULL
$$;
COMMENT ON FUNCTION published.releases_as_at(timestamptz, text, text) IS 'Which releases were the current ones at a moment; is_current says whether they still are.';

-- Figures: the releases that were current then.
CREATE FUNCTION published.measures_as_at(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL) RETURNS SETOF published.measures
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT f.* FROM core.releases_at($1, $2, $3) c JOIN core.released_measures f USING (release_id)
$$;
COMMENT ON FUNCTION published.measures_as_at(timestamptz, text, text) IS 'The rows of published.measures as they were at a moment.';

CREATE FUNCTION published.benchmarks_as_at(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL) RETURNS SETOF published.benchmarks
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT f.* FROM core.releases_at($1, $2, $3) c JOIN core.released_benchmarks f USING (release_id)
$$;
COMMENT ON FUNCTION published.benchmarks_as_at(timestamptz, text, text) IS 'The rows of published.benchmarks as they were at a moment.';

CREATE FUNCTION published.comparisons_as_at(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL) RETURNS SETOF published.comparisons
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT f.* FROM core.releases_at($1, $2, $3) c JOIN core.released_comparisons f USING (release_id)
$$;
COMMENT ON FUNCTION published.comparisons_as_at(timestamptz, text, text) IS 'The rows of published.comparisons as they were at a moment.';

CREATE FUNCTION published.definitions_used_as_at(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL) RETURNS SETOF published.definitions_used
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT f.* FROM core.releases_at($1, $2, $3) c JOIN core.released_definitions f USING (release_id)
$$;
COMMENT ON FUNCTION published.definitions_used_as_at(timestamptz, text, text) IS 'The rows of published.definitions_used as they were at a moment.';

-- The data status: what had been received, validated and decided by then. The view reads where the pointers are, this their logs; a
-- test compares the two at many moments.
CREATE FUNCTION core.counting_at(at timestamptz, of_collection text) RETURNS SETOF core.counting LANGUAGE sql STABLE AS $$
  SELECT s.collection, s.period, s.sender, s.part, s.submission_id, s.rules_version, s.since FROM (
    SELECT DISTINCT ON (l.collection, l.period, l.sender, l.part) l.* FROM core.counting_log l
    WHERE l.since <= $1 AND ($2 IS NULL OR l.collection = $2)
    ORDER BY l.collection, l.period, l.sender, l.part, l.since DESC, l.move_id DESC) s
  WHERE s.submission_id IS NOT NULL
$$;

CREATE FUNCTION published.data_status_as_at(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL) RETURNS SETOF published.data_status
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
WITH expected AS (
  SELECT e.collection, e.period, e.sender, e.part FROM core.expected e WHERE e.stated_at <= $1 AND ($2 IS NULL OR e.collection = $2)),
counting AS (
  SELECT c.collection, c.period, c.sender, c.part, c.submission_id, c.rules_version, v.decisions, v.plain_outcome, v.counts_hash
  FROM core.counting_at($1, $2) c JOIN core.validation v USING (submission_id, rules_version)),
sent AS (
  SELECT s.collection, s.period, s.sender, s.part,
         bool_or(c.submission_id IS NOT NULL) AS counts,
         coalesce(bool_or(s.is_sample) FILTER (WHERE c.submission_id IS NOT NULL), bool_or(s.is_sample)) AS is_sample,
         -- held: validated, and nothing of it counts
         NOT bool_or(c.submission_id IS NOT NULL) AND bool_or(EXISTS (
           SELECT FROM core.validation v WHERE v.submission_id = s.submission_id AND v.validated_at <= $1)) AS held,
         -- waived: what counts would be held without the decisions that it was validated under
         bool_or(c.decisions <> '{}' AND CASE WHEN c.plain_outcome IS NOT NULL THEN c.plain_outcome = 'held' ELSE NOT EXISTS (
           SELECT FROM core.validation p WHERE p.submission_id = s.submission_id AND p.decisions = '{}' AND p.outcome <> 'held'
           AND p.validated_at <= $1) END) AS waived
  FROM core.submission s LEFT JOIN counting c ON c.submission_id = s.submission_id
  WHERE s.period IS NOT NULL AND s.sender IS NOT NULL AND s.registered_at <= $1 AND ($2 IS NULL OR s.collection = $2)
  GROUP BY 1, 2, 3, 4),
counted AS (
  SELECT s.collection, s.period, count(*) AS received, count(*) FILTER (WHERE s.counts) AS accepted,
         count(*) FILTER (WHERE s.held) AS held, count(*) FILTER (WHERE s.waived) AS waived, bool_or(s.is_sample) AS is_sample,
         count(*) FILTER (WHERE e.sender IS NOT NULL) AS received_expected,
         count(*) FILTER (WHERE s.counts AND e.sender IS NOT NULL) AS accepted_expected
  FROM sent s LEFT JOIN expected e USING (collection, period, sender, part) GROUP BY 1, 2),
asked AS (
  SELECT e.collection, e.period, count(*) AS expected FROM expected e GROUP BY 1, 2),
revised AS (
  SELECT r.collection, r.period, max(r.revision) AS revision FROM core.revision r WHERE r.published_at <= $1 GROUP BY 1, 2),
rows_by_provider AS (
  SELECT c.collection, c.period, c.sender, c.part, r.provider_code
  FROM counting c JOIN core.provider_rows r USING (submission_id, rules_version)
  WHERE r.rows_used > 0 AND c.collection IN (SELECT x.collection FROM core.expected_provider x)),
must AS (
  SELECT x.collection, x.period, x.provider_code FROM core.expected_provider x WHERE x.stated_at <= $1 AND ($2 IS NULL OR x.collection = $2)),
named AS (   -- trusts that must be in a national file: those expected, and those of which only the file before knew
  SELECT m.collection, m.period, m.provider_code FROM must m
  UNION
  SELECT x.collection, x.period, b.provider_code
  FROM (SELECT DISTINCT m.collection, m.period FROM must m) x
  JOIN rows_by_provider b ON b.collection = x.collection AND b.period = core.period_before(x.period)
  WHERE b.provider_code IS NOT NULL AND NOT EXISTS (SELECT FROM moment.provider($1) p WHERE p.code = b.provider_code)),
in_file AS (
  SELECT DISTINCT b.collection, b.period, b.provider_code FROM rows_by_provider b JOIN expected e USING (collection, period, sender, part)),
by_provider AS (
  SELECT n.collection, n.period, count(*) AS providers_expected, count(*) FILTER (WHERE f.provider_code IS NULL) AS providers_missing
  FROM named n LEFT JOIN in_file f USING (collection, period, provider_code)
  WHERE NOT EXISTS (  -- validated before rows were counted: it is not known whom it spoke for
    SELECT FROM counting c WHERE c.collection = n.collection AND c.period = n.period AND c.counts_hash IS NULL)
  GROUP BY 1, 2),
coming AS (
  SELECT k.collection, min(k.due) AS next_due FROM core.calendar k WHERE k.due > $1 AND k.stated_at <= $1 GROUP BY 1),
calendar AS (
  SELECT k.collection, k.period, k.final_from FROM core.calendar k WHERE k.stated_at <= $1)
SELECT n.collection, n.period, coalesce(e.expected, 0), n.received, n.accepted, n.held, coalesce(e.expected, 0) - n.received_expected,
       CASE WHEN b.providers_expected > 0 THEN (b.providers_expected - b.providers_missing)::double precision / b.providers_expected
            ELSE n.accepted_expected::double precision / nullif(e.expected, 0) END,
       c.published_at, c.release_id, n.is_sample, n.held::double precision / n.received, n.waived::double precision / nullif(n.accepted, 0),
       CASE WHEN k.final_from <= $1 THEN 'final' ELSE 'provisional' END, k.final_from,
       CASE WHEN k.final_from <= $1 AND c.release_id IS NOT NULL THEN coalesce(v.revision, 0) END,
       d.next_due, t.edition_id, t.switched_at, b.providers_expected, b.providers_missing
FROM counted n LEFT JOIN asked e USING (collection, period)
LEFT JOIN core.releases_at($1, $2, $3) c ON c.collection = n.collection AND c.period = n.period AND c.release_id IS NOT NULL
LEFT JOIN by_provider b ON b.collection = n.collection AND b.period = n.period
LEFT JOIN calendar k ON k.collection = n.collection AND k.period = n.period
LEFT JOIN revised v ON v.collection = n.collection AND v.period = n.period
LEFT JOIN coming d ON d.collection = n.collection
LEFT JOIN LATERAL (
  SELECT s.edition_id, s.switched_at FROM core.edition_switch s WHERE s.switched_at <= $1 ORDER BY s.number DESC LIMIT 1) t ON true
WHERE $3 IS NULL OR n.period = $3
$$;
COMMENT ON FUNCTION published.data_status_as_at(timestamptz, text, text) IS 'The rows of published.data_status as they were at a moment.';

-- The timeline: events that follow were replaced, those that people entered were added and withdrawn.
CREATE FUNCTION published.engagement_timeline_as_at(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL) RETURNS SETOF published.engagement_timeline
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT f.* FROM (
    SELECT t.event_id, t.occurred_from, t.occurred_to, t.date_precision, t.kind, t.layer, t.status, t.provider_code, t.collection, t.period,
           t.recommendation_number, t.summary, t.source, t.confidence, t.audience, t.fulfils
    FROM moment.timeline($1) t
    UNION ALL
    SELECT e.event_id, e.occurred_from, e.occurred_to, e.date_precision, e.kind, e.layer, e.status, e.provider_code, e.collection, e.period,
           e.recommendation_number, e.summary, e.source, e.confidence, e.audience, e.fulfils
    FROM core.entered_events e WHERE e.entered_at <= $1 AND (e.withdrawn_at IS NULL OR e.withdrawn_at > $1)) f
  WHERE ($2 IS NULL OR f.collection = $2) AND ($3 IS NULL OR f.period = $3)
$$;
COMMENT ON FUNCTION published.engagement_timeline_as_at(timestamptz, text, text) IS 'The rows of published.engagement_timeline as they were at a moment.';

-- Reference data: the rows that were in force then.
CREATE FUNCTION published.reasons_as_at(at timestamptz) RETURNS SETOF published.reasons
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.code, r.sentence FROM moment.reason($1) r
$$;
COMMENT ON FUNCTION published.reasons_as_at(timestamptz) IS 'The rows of published.reasons as they were at a moment.';

CREATE FUNCTION published.metric_versions_as_at(at timestamptz) RETURNS SETOF published.metric_versions
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.metric_id, m.name, m.unit, m.polarity, m.numerator, m.denominator, m.formula, m.lens, m.compartment, m.oversight_theme,
         m.recommendation, m.fed_by, m.not_fed_because, m.question, m.frequency, m.peer_basis, m.benchmark_default, m.min_peers, m.monetised,
         m.may_be_added, m.disclosure_class, m.basis, m.version, m.valid_from, m.checked_by, m.checked_on, m.check_again_by, m.missing_rows,
         m.tolerates_missing, m.window_months, m.window_rule, m.counts, m.no_interval, m.series
  FROM moment.metric($1) m
$$;
COMMENT ON FUNCTION published.metric_versions_as_at(timestamptz) IS 'The rows of published.metric_versions as they were at a moment.';

CREATE FUNCTION published.metrics_as_at(at timestamptz) RETURNS SETOF published.metrics
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT ON (v.metric_id) v.* FROM published.metric_versions_as_at($1) v ORDER BY v.metric_id, v.version DESC
$$;
COMMENT ON FUNCTION published.metrics_as_at(timestamptz) IS 'The rows of published.metrics as they were at a moment.';

CREATE FUNCTION published.recommendations_as_at(at timestamptz) RETURNS SETOF published.recommendations
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.number, r.area, r.summary, r.owner, r.deadline, r.deadline_end_date, r.collections, r.source FROM moment.recommendation($1) r
$$;
COMMENT ON FUNCTION published.recommendations_as_at(timestamptz) IS 'The rows of published.recommendations as they were at a moment.';

CREATE FUNCTION published.cohort_as_at(at timestamptz) RETURNS SETOF published.cohort
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.code, c.name_2017, c.sector, c.region FROM moment.cohort($1) c
$$;
COMMENT ON FUNCTION published.cohort_as_at(timestamptz) IS 'The rows of published.cohort as they were at a moment.';

CREATE FUNCTION published.providers_as_at(at timestamptz) RETURNS SETOF published.providers
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.code, n.name, p.sector, p.region, p.kind, p.open_from, p.open_to,
         EXISTS (SELECT FROM moment.cohort($1) c WHERE c.code = p.code)
  FROM moment.provider($1) p LEFT JOIN LATERAL (
    SELECT n.name FROM moment.provider_name($1) n WHERE n.code = p.code ORDER BY n.valid_from DESC NULLS LAST LIMIT 1) n ON true
$$;
COMMENT ON FUNCTION published.providers_as_at(timestamptz) IS 'The rows of published.providers as they were at a moment.';

CREATE FUNCTION published.successions_as_at(at timestamptz) RETURNS SETOF published.successions
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.from_code, s.to_code, s.legal_date, s.type, s.verified, s.source FROM moment.succession($1) s
$$;
COMMENT ON FUNCTION published.successions_as_at(timestamptz) IS 'The rows of published.successions as they were at a moment.';

-- The one table for all: the figures of the releases that were current then, with the names and sentences of that time.
CREATE FUNCTION published.figures_as_at(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL) RETURNS SETOF published.figures
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.metric_id, d.name, m.collection, m.period, core.period_start(m.period), core.period_end(m.period),
         CASE WHEN core.is_year(m.period) THEN 'financial_year' ELSE 'month' END,
         m.provider_code, m.provider_name, p.sector, p.region, m.value, m.unit, d.polarity, m.numerator, m.denominator,
         m.peer_group, b.providers, b.lower_quartile, b.median, b.upper_quartile, m.percentile_rank,
         CASE WHEN m.percentile_rank IS NOT NULL THEN least(4, floor(m.percentile_rank / 25)::int + 1) END, k.opportunity_gbp, k.adds_over,
         m.quality_flag, m.completeness, m.rows_sent, m.rows_used, m.months_covered, m.months_expected, m.suppressed,
         m.withheld, w.sentence, m.rank_withheld, m.decisions, m.release_id, c.published_at, m.is_sample,
         i.lower, i.upper, i.rank_lowest, i.rank_highest, core.compared(d.polarity, i.lower, i.upper, b.median),
         CASE WHEN core.compared(d.polarity, i.lower, i.upper, b.median) IS NULL
              THEN coalesce(m.withheld, core.why_not_compared(d.polarity, b.median, i.withheld, d.no_interval)) END
  FROM core.releases_at($1, $2, $3) c JOIN core.release r USING (release_id) JOIN core.released_measures m USING (release_id)
  LEFT JOIN core.release_metric u ON u.release_key = r.release_key AND u.metric_id = m.metric_id
  LEFT JOIN moment.metric($1) d ON d.metric_id = u.metric_id AND d.version = u.version
  LEFT JOIN moment.provider($1) p ON p.code = m.provider_code
  LEFT JOIN core.benchmark b ON b.release_key = r.release_key AND b.metric_id = m.metric_id AND b.peer_group = m.peer_group
  LEFT JOIN core.comparison k ON k.release_key = r.release_key AND k.metric_id = m.metric_id AND k.provider_code = m.provider_code AND k.adds_to_total
  LEFT JOIN core.value_interval i ON i.release_key = r.release_key AND i.metric_id = m.metric_id AND i.provider_code = m.provider_code
  LEFT JOIN moment.reason($1) w ON w.code = m.withheld
$$;
COMMENT ON FUNCTION published.figures_as_at(timestamptz, text, text) IS 'The rows of published.figures as they were at a moment.';

CREATE FUNCTION published.latest_as_at(at timestamptz, of_collection text DEFAULT NULL) RETURNS SETOF published.latest
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT ON (f.collection, f.metric_id, f.provider_code) f.* FROM published.figures_as_at($1, $2) f
  ORDER BY f.collection, f.metric_id, f.provider_code, f.is_sample, f.period_start DESC
$$;
COMMENT ON FUNCTION published.latest_as_at(timestamptz, text) IS 'The rows of published.latest as they were at a moment.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA published FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA published TO dashboard_reader, steward_reader, steward_desk;
