-- As at, for the published tables that do not follow from releases alone: what they rest on is known for every moment, and so are they.

-- The history of tables whose rows are replaced: reference data and the timeline.
CREATE TABLE core.history (
  row_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, table_name text NOT NULL, content jsonb NOT NULL,
  holds_from timestamptz NOT NULL, holds_to timestamptz CHECK (holds_to >= holds_from));
CREATE INDEX history_content ON core.history (table_name, md5(content::text));
CREATE TRIGGER facts BEFORE DELETE ON core.history FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- One moment for all that a transaction does, taken when it first changes something: whoever had the lock before it is done by then.
CREATE FUNCTION core.this_moment() RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(current_setting('trust_benchmarks.moment', true), '') = '' THEN
    PERFORM set_config('trust_benchmarks.moment', clock_timestamp()::text, true);
  END IF;
  RETURN current_setting('trust_benchmarks.moment')::timestamptz;
END $$;

-- A row's content without its NULLs, so that a column that a later migration adds changes no row. (One that it adds with a value,
-- or takes away, changes rows: that migration deletes and inserts them.)
CREATE FUNCTION core.content_of(one anyelement) RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT jsonb_strip_nulls(to_jsonb(one)) $$;

CREATE FUNCTION core.rows_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE core.history h SET holds_to = greatest(core.this_moment(), h.holds_from) FROM old_rows o
  WHERE h.table_name = TG_TABLE_NAME AND h.holds_to IS NULL AND md5(h.content::text) = md5(core.content_of(o)::text);
  RETURN NULL;
END $$;

-- What this transaction has removed and puts back was never gone.
CREATE FUNCTION core.rows_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH back AS (
    UPDATE core.history h SET holds_to = NULL FROM new_rows n
    WHERE h.table_name = TG_TABLE_NAME AND md5(h.content::text) = md5(core.content_of(n)::text)
      AND h.holds_to = greatest(core.this_moment(), h.holds_from)
    RETURNING h.content)
  INSERT INTO core.history (table_name, content, holds_from)
  SELECT TG_TABLE_NAME, core.content_of(n), core.this_moment() FROM new_rows n WHERE core.content_of(n) NOT IN (SELECT content FROM back);
  RETURN NULL;
END $$;

-- moment.<table>(at) and as_at.<view>(at): what it held at a moment. Only the functions published.<view>_as_at are for readers.
CREATE SCHEMA moment;
CREATE SCHEMA as_at;

CREATE FUNCTION core.keep_history(of_table text) RETURNS void LANGUAGE plpgsql AS $write$
BEGIN
  EXECUTE format('CREATE TRIGGER rows_begin AFTER INSERT ON core.%I REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION core.rows_begin()', of_table);
  EXECUTE format('CREATE TRIGGER rows_end AFTER DELETE ON core.%I REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION core.rows_end()', of_table);
  EXECUTE format('CREATE TRIGGER never_in_place BEFORE UPDATE OR TRUNCATE ON core.%I FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()', of_table);
  EXECUTE format('INSERT INTO core.history (table_name, content, holds_from) SELECT %L, core.content_of(t), core.this_moment() FROM core.%I t', of_table, of_table);
  EXECUTE format(
    'CREATE FUNCTION moment.%1$I(at timestamptz) RETURNS SETOF core.%1$I LANGUAGE sql STABLE AS %2$L', of_table,
    format('SELECT r.* FROM core.history h CROSS JOIN LATERAL jsonb_populate_record(NULL::core.%I, h.content) r
            WHERE h.table_name = %L AND h.holds_from <= $1 AND (h.holds_to > $1 OR h.holds_to IS NULL)', of_table, of_table));
END $write$;
SELECT core.keep_history(t) FROM unnest(ARRAY['provider', 'provider_name', 'succession', 'cohort', 'recommendation', 'metric',
  'plan_outcome', 'contradiction', 'board_coverage', 'timeline']) t;

-- Facts, which are only ever added, and pointers, whose moves are.
ALTER TABLE core.expected ADD COLUMN stated_at timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE core.expected e SET stated_at = s.first FROM (SELECT collection, period, min(registered_at) AS first FROM core.submission GROUP BY 1, 2) s
WHERE (s.collection, s.period) = (e.collection, e.period);
ALTER TABLE core.calendar ADD COLUMN stated_at timestamptz NOT NULL DEFAULT clock_timestamp();
-- Why a figure moved may be found out long after both releases were made: when one is gone back to.
ALTER TABLE core.movement ADD COLUMN stated_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE core.movement ALTER COLUMN stated_at SET DEFAULT clock_timestamp();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.expected FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE FUNCTION core.keep_time(of_table text, since text) RETURNS void LANGUAGE plpgsql AS $write$
BEGIN
  EXECUTE format('CREATE FUNCTION moment.%1$I(at timestamptz) RETURNS SETOF core.%1$I LANGUAGE sql STABLE AS %2$L',
                 of_table, format('SELECT * FROM core.%I t WHERE t.%I <= $1', of_table, since));
END $write$;
SELECT core.keep_time(t, since) FROM (VALUES ('submission', 'registered_at'), ('validation', 'validated_at'), ('decision', 'decided_at'),
  ('verdict', 'given_at'), ('event', 'entered_at'), ('event_withdrawal', 'withdrawn_at'), ('edition_switch', 'switched_at'),
  ('revision', 'published_at'), ('release_log', 'published_at'), ('release_verdict', 'given_at'), ('published_version', 'stated_at'),
  ('expected', 'stated_at'), ('calendar', 'stated_at'), ('movement', 'stated_at')) v (t, since);
CREATE FUNCTION moment.current_release(at timestamptz) RETURNS SETOF core.current_release LANGUAGE sql STABLE AS $$
  SELECT s.collection, s.period, s.release_id, s.published_at FROM core.standing_at($1, NULL, NULL) s WHERE s.release_id IS NOT NULL
$$;
CREATE FUNCTION moment.counting(at timestamptz) RETURNS SETOF core.counting LANGUAGE sql STABLE AS $$
  SELECT s.collection, s.period, s.sender, s.part, s.submission_id, s.rules_version, s.since FROM (
    SELECT DISTINCT ON (l.collection, l.period, l.sender, l.part) l.* FROM core.counting_log l WHERE l.since <= $1
    ORDER BY l.collection, l.period, l.sender, l.part, l.since DESC, l.move_id DESC) s
  WHERE s.submission_id IS NOT NULL
$$;

CREATE FUNCTION core.day_of(at timestamptz) RETURNS date LANGUAGE sql STABLE AS $$ SELECT ($1 AT TIME ZONE 'Europe/London')::date $$;

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
