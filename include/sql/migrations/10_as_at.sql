-- As at: what every published view said at a moment.

CREATE FUNCTION published.releases_as_at(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL)
RETURNS SETOF published.release_history LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.collection, s.period, s.release_id, s.published_at, coalesce(s.release_id = c.release_id AND s.published_at = c.published_at, false)
  FROM core.standing_at($1, $2, $3) s LEFT JOIN core.current_release c USING (collection, period) WHERE s.release_id IS NOT NULL
$$;
REVOKE ALL ON FUNCTION published.releases_as_at(timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION published.releases_as_at(timestamptz, text, text) TO dashboard_reader, steward_reader, steward_desk;

-- Writes published.<view>_as_at out of the view's own definition, with the log in the place of the pointer: the two cannot differ.
-- A migration that replaces one of these views calls it again for that view. It runs with its owner's rights, because readers
-- see nothing of core; its search_path is fixed, so that nobody's tables stand in for ours.
CREATE FUNCTION core.write_as_at(view_name text) RETURNS void LANGUAGE plpgsql
-- so that every name in a view's definition comes out with its schema
SET search_path = pg_catalog, pg_temp AS $write$
DECLARE
  pointer constant text := 'core.current_release c';
  body text;
BEGIN
  body := pg_get_viewdef(format('published.%I', view_name)::regclass);
  IF array_length(string_to_array(body, pointer), 1) IS DISTINCT FROM 2 THEN
    RAISE EXCEPTION 'The view published.% must read "%" exactly once to be answered as at a moment', view_name, pointer;
  END IF;
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION published.%1$I(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL)
     RETURNS SETOF published.%2$I LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %3$L',
    view_name || '_as_at', view_name, replace(body, pointer, 'core.standing_at($1, $2, $3) c'));
  EXECUTE format('REVOKE ALL ON FUNCTION published.%I(timestamptz, text, text) FROM PUBLIC', view_name || '_as_at');
  EXECUTE format('GRANT EXECUTE ON FUNCTION published.%I(timestamptz, text, text) TO dashboard_reader, steward_reader, steward_desk',
                 view_name || '_as_at');
END $write$;
SELECT core.write_as_at('measures');
SELECT core.write_as_at('benchmarks');
SELECT core.write_as_at('comparisons');
SELECT core.write_as_at('price_comparison');
SELECT core.write_as_at('price_list');
SELECT core.write_as_at('kept_apart');
SELECT core.write_as_at('price_spread');
SELECT core.write_as_at('funnel');
SELECT core.write_as_at('size_adjusted');
SELECT core.write_as_at('peers');
SELECT core.write_as_at('peer_benchmarks');
SELECT core.write_as_at('measures_restated');
SELECT core.write_as_at('definitions_used');

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

-- Facts, which are only ever added, and pointers, whose moves are.
SELECT core.keep_time(t, since) FROM (VALUES ('submission', 'registered_at'), ('validation', 'validated_at'), ('decision', 'decided_at'),
  ('verdict', 'given_at'), ('event', 'entered_at'), ('event_withdrawal', 'withdrawn_at'), ('edition_switch', 'switched_at'),
  ('revision', 'published_at'), ('release_log', 'published_at'), ('release_verdict', 'given_at'), ('published_version', 'stated_at'),
  ('expected', 'stated_at'), ('expected_provider', 'stated_at'), ('calendar', 'stated_at'), ('movement', 'stated_at'),
  ('rules_in_force', 'since')) v (t, since);
CREATE FUNCTION moment.current_release(at timestamptz) RETURNS SETOF core.current_release LANGUAGE sql STABLE AS $$
  SELECT s.collection, s.period, s.release_id, s.published_at FROM core.standing_at($1, NULL, NULL) s WHERE s.release_id IS NOT NULL
$$;

CREATE FUNCTION moment.counting(at timestamptz) RETURNS SETOF core.counting LANGUAGE sql STABLE AS $$
  SELECT s.collection, s.period, s.sender, s.part, s.submission_id, s.rules_version, s.since FROM (
    SELECT DISTINCT ON (l.collection, l.period, l.sender, l.part) l.* FROM core.counting_log l WHERE l.since <= $1
    ORDER BY l.collection, l.period, l.sender, l.part, l.since DESC, l.move_id DESC) s
  WHERE s.submission_id IS NOT NULL
$$;

CREATE FUNCTION moment.provider_rows(at timestamptz) RETURNS SETOF core.provider_rows LANGUAGE sql STABLE AS $$
  SELECT r.* FROM core.provider_rows r JOIN core.validation v USING (submission_id, rules_version) WHERE v.validated_at <= $1
$$;

-- Writes as_at.<view> out of the view's own definition, with all that moves in it as it was then: the two cannot differ.
CREATE FUNCTION core.write_moment(view_name text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $write$
DECLARE
  body text := pg_get_viewdef(view_name::regclass);
  one record;
BEGIN
  FOR one IN SELECT format('%I.%I($1)', n.nspname, p.proname) AS call, p.prorettype::regtype::text AS reads
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('moment', 'as_at') LOOP
    body := regexp_replace(body, '\m' || replace(one.reads, '.', '\.') || '\M', one.call, 'g');
  END LOOP;
  -- What is made with a release stays as it was made. Anything else without a function here would be answered as it is today.
  FOR one IN SELECT m[1] AS reads FROM regexp_matches(body, '\m((?:core|intake|published)\.\w+)\M(?!\()', 'g') m
             WHERE m[1] NOT IN ('core.release', 'core.benchmark') LOOP
    RAISE EXCEPTION 'The view % reads %, of which no earlier moment is known: see core.keep_history and core.keep_time', view_name, one.reads;
  END LOOP;
  body := replace(replace(body, 'core.today()', 'core.day_of($1)'), 'now()', '$1');
  EXECUTE format('CREATE OR REPLACE FUNCTION as_at.%I(at timestamptz) RETURNS SETOF %s LANGUAGE sql STABLE AS %L',
                 split_part(view_name, '.', 2), view_name, body);
END $write$;

-- The same for readers: published.<view>_as_at. Views that have a collection and a period can be asked for one.
CREATE FUNCTION core.write_moment_as_at(view_name text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $write$
DECLARE
  narrow boolean := 2 = (SELECT count(*) FROM information_schema.columns c
                         WHERE c.table_schema = 'published' AND c.table_name = view_name AND c.column_name IN ('collection', 'period'));
  signature text := format('published.%I(timestamptz%s)', view_name || '_as_at', CASE WHEN narrow THEN ', text, text' END);
BEGIN
  PERFORM core.write_moment('published.' || view_name);
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION published.%I(at timestamptz%s) RETURNS SETOF published.%I
     LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L',
    view_name || '_as_at', CASE WHEN narrow THEN ', of_collection text DEFAULT NULL, of_period text DEFAULT NULL' END, view_name,
    format('SELECT * FROM as_at.%I($1) AS found', view_name)
      || CASE WHEN narrow THEN ' WHERE ($2 IS NULL OR found.collection = $2) AND ($3 IS NULL OR found.period = $3)' ELSE '' END);
  EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
  EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO dashboard_reader, steward_reader, steward_desk', signature);
END $write$;

-- Each after those that it reads.
SELECT core.write_moment('intake.decisions');
SELECT core.write_moment('core.applying');
SELECT core.write_moment('core.applying_sets');
SELECT core.write_moment('intake.validations');
SELECT core.write_moment('published.benchmarks');
SELECT core.write_moment_as_at('release_history');
SELECT core.write_moment_as_at('movements');
SELECT core.write_moment_as_at('editions');
SELECT core.write_moment_as_at('revisions');
SELECT core.write_moment_as_at('versions');
SELECT core.write_moment_as_at('metrics');
SELECT core.write_moment_as_at('metric_versions');
SELECT core.write_moment_as_at('recommendations');
SELECT core.write_moment_as_at('cohort');
SELECT core.write_moment_as_at('providers');
SELECT core.write_moment_as_at('successions');
SELECT core.write_moment_as_at('data_status');
SELECT core.write_moment_as_at('engagement_timeline');
SELECT core.write_moment_as_at('provider_ancestors');
SELECT core.write_moment_as_at('provider_lanes');
SELECT core.write_moment_as_at('programme_plan');
SELECT core.write_moment_as_at('contradictions');
SELECT core.write_moment_as_at('board_reports');
SELECT core.write_moment_as_at('recommendation_progress');
SELECT core.write_moment_as_at('engagement_facts');
SELECT core.write_moment_as_at('reasons');

COMMENT ON FUNCTION published.releases_as_at(timestamptz, text, text) IS 'Which releases were the current ones at a moment; is_current says whether they still are.';
COMMENT ON FUNCTION published.measures_as_at(timestamptz, text, text) IS 'The rows of published.measures as they were at a moment.';
COMMENT ON FUNCTION published.benchmarks_as_at(timestamptz, text, text) IS 'The rows of published.benchmarks as they were at a moment.';
COMMENT ON FUNCTION published.comparisons_as_at(timestamptz, text, text) IS 'The rows of published.comparisons as they were at a moment.';
COMMENT ON FUNCTION published.price_comparison_as_at(timestamptz, text, text) IS 'The rows of published.price_comparison as they were at a moment.';
COMMENT ON FUNCTION published.price_list_as_at(timestamptz, text, text) IS 'The rows of published.price_list as they were at a moment.';
COMMENT ON FUNCTION published.kept_apart_as_at(timestamptz, text, text) IS 'The rows of published.kept_apart as they were at a moment.';
COMMENT ON FUNCTION published.price_spread_as_at(timestamptz, text, text) IS 'The rows of published.price_spread as they were at a moment.';
COMMENT ON FUNCTION published.funnel_as_at(timestamptz, text, text) IS 'The rows of published.funnel as they were at a moment.';
COMMENT ON FUNCTION published.size_adjusted_as_at(timestamptz, text, text) IS 'The rows of published.size_adjusted as they were at a moment.';
COMMENT ON FUNCTION published.peers_as_at(timestamptz, text, text) IS 'The rows of published.peers as they were at a moment.';
COMMENT ON FUNCTION published.peer_benchmarks_as_at(timestamptz, text, text) IS 'The rows of published.peer_benchmarks as they were at a moment.';
COMMENT ON FUNCTION published.measures_restated_as_at(timestamptz, text, text) IS 'The rows of published.measures_restated as they were at a moment.';
COMMENT ON FUNCTION published.definitions_used_as_at(timestamptz, text, text) IS 'The rows of published.definitions_used as they were at a moment.';
COMMENT ON FUNCTION published.signals_as_at(timestamptz, text, text) IS 'The rows of published.signals as they would have been at a moment; of_period chooses among the points of whole series.';
COMMENT ON FUNCTION published.release_history_as_at(timestamptz, text, text) IS 'The rows of published.release_history as they were at a moment.';
COMMENT ON FUNCTION published.movements_as_at(timestamptz, text, text) IS 'The rows of published.movements as they were at a moment.';
COMMENT ON FUNCTION published.editions_as_at(timestamptz) IS 'The rows of published.editions as they were at a moment.';
COMMENT ON FUNCTION published.revisions_as_at(timestamptz, text, text) IS 'The rows of published.revisions as they were at a moment.';
COMMENT ON FUNCTION published.versions_as_at(timestamptz) IS 'The rows of published.versions as they were at a moment.';
COMMENT ON FUNCTION published.metrics_as_at(timestamptz) IS 'The rows of published.metrics as they were at a moment.';
COMMENT ON FUNCTION published.metric_versions_as_at(timestamptz) IS 'The rows of published.metric_versions as they were at a moment.';
COMMENT ON FUNCTION published.recommendations_as_at(timestamptz) IS 'The rows of published.recommendations as they were at a moment.';
COMMENT ON FUNCTION published.cohort_as_at(timestamptz) IS 'The rows of published.cohort as they were at a moment.';
COMMENT ON FUNCTION published.providers_as_at(timestamptz) IS 'The rows of published.providers as they were at a moment.';
COMMENT ON FUNCTION published.successions_as_at(timestamptz) IS 'The rows of published.successions as they were at a moment.';
COMMENT ON FUNCTION published.data_status_as_at(timestamptz, text, text) IS 'The rows of published.data_status as they were at a moment.';
COMMENT ON FUNCTION published.engagement_timeline_as_at(timestamptz, text, text) IS 'The rows of published.engagement_timeline as they were at a moment.';
COMMENT ON FUNCTION published.provider_ancestors_as_at(timestamptz) IS 'The rows of published.provider_ancestors as they were at a moment.';
COMMENT ON FUNCTION published.provider_lanes_as_at(timestamptz, text, text) IS 'The rows of published.provider_lanes as they were at a moment.';
COMMENT ON FUNCTION published.programme_plan_as_at(timestamptz) IS 'The rows of published.programme_plan as they were at a moment.';
COMMENT ON FUNCTION published.contradictions_as_at(timestamptz) IS 'The rows of published.contradictions as they were at a moment.';
COMMENT ON FUNCTION published.board_reports_as_at(timestamptz) IS 'The rows of published.board_reports as they were at a moment.';
COMMENT ON FUNCTION published.recommendation_progress_as_at(timestamptz, text, text) IS 'The rows of published.recommendation_progress as they were at a moment.';
COMMENT ON FUNCTION published.engagement_facts_as_at(timestamptz) IS 'The rows of published.engagement_facts as they were at a moment.';
COMMENT ON FUNCTION published.reasons_as_at(timestamptz) IS 'The rows of published.reasons as they were at a moment.';
