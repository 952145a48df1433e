-- Schemas, roles and what all tables share.
-- Facts are only ever added. Tables named counting and current_release are pointers, and the only ones that move.

CREATE SCHEMA core;       -- the ledger: what was sent, found, decided and computed
CREATE SCHEMA intake;     -- views for operators and stewards
CREATE SCHEMA published;  -- views for dashboards and analysts; their columns are a promise
CREATE SCHEMA moment;     -- moment.<table>(at): the rows that a replaced table of core had at a moment
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- Who may read. dashboard_reader sees what is published, steward_reader also the intake; steward_desk writes decisions through
-- two tables and events through two functions. Roles belong to the server: a second warehouse beside this one has them already.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['dashboard_reader', 'steward_reader', 'steward_desk'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN EXECUTE format('CREATE ROLE %I LOGIN', name); END IF;
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'release_pruner') THEN CREATE ROLE release_pruner NOLOGIN; END IF;
  -- Members of published_commercial find rows in the views of prices that name a trust. They are given it once: a second warehouse
  -- does not give back what was taken.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'published_commercial') THEN
    CREATE ROLE published_commercial NOLOGIN;
    GRANT published_commercial TO dashboard_reader, steward_reader, steward_desk;
  END IF;
  -- Whoever made the role is a member. The pipeline exports and previews prices.
  IF NOT pg_has_role(current_user, 'published_commercial', 'MEMBER') THEN
    RAISE EXCEPTION 'The role % runs the pipeline and is no member of published_commercial. Run: GRANT published_commercial TO %',
      current_user, current_user;
  END IF;
END $$;

GRANT USAGE ON SCHEMA published TO dashboard_reader, steward_reader, steward_desk;
GRANT USAGE ON SCHEMA intake TO steward_reader, steward_desk;
GRANT USAGE ON SCHEMA core TO steward_desk;
ALTER DEFAULT PRIVILEGES IN SCHEMA published GRANT SELECT ON TABLES TO dashboard_reader, steward_reader, steward_desk;
ALTER DEFAULT PRIVILEGES IN SCHEMA intake GRANT SELECT ON TABLES TO steward_reader, steward_desk;
-- A reader's transaction sees the releases that were current when it began, over all the tables it reads.
ALTER ROLE dashboard_reader SET default_transaction_isolation = 'repeatable read';
ALTER ROLE steward_reader SET default_transaction_isolation = 'repeatable read';

-- So that no reader holds up the server by accident: a session may change its own time limits, but not the number of sessions.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['dashboard_reader', 'steward_reader'] LOOP
    EXECUTE format('ALTER ROLE %I CONNECTION LIMIT 50', name);
    EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', name, '60s');
    EXECUTE format('ALTER ROLE %I SET lock_timeout = %L', name, '5s');
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = %L', name, '10min');
  END LOOP;
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;

-- For tables of facts: a trigger named facts refuses UPDATE and DELETE.
CREATE FUNCTION core.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_user = 'release_pruner' THEN RETURN NULL; END IF;  -- core.prune_releases
  RAISE EXCEPTION 'Rows of %.% are facts and are never changed or removed', TG_TABLE_SCHEMA, TG_TABLE_NAME;
END $$;

-- Refusals carry SQLSTATE TB001 and a sentence for the person who asked.
CREATE FUNCTION core.refuse(sentence text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = 'TB001', MESSAGE = sentence; END $$;

CREATE FUNCTION core.today() RETURNS date LANGUAGE sql STABLE AS $$ SELECT (now() AT TIME ZONE 'Europe/London')::date $$;

-- Periods, as include/reference/calendar.py has them: what could be either a month or a financial year (2011-12) is a month. None of these
-- functions calls another: readers of a view have no right to name what is in core.
CREATE FUNCTION core.is_year(period text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT right($1, 2)::int > 12 $$;

CREATE FUNCTION core.period_start(period text) RETURNS date LANGUAGE sql IMMUTABLE AS $$
  SELECT make_date(left($1, 4)::int, CASE WHEN right($1, 2)::int > 12 THEN 4 ELSE right($1, 2)::int END, 1)
$$;

CREATE FUNCTION core.period_end(period text) RETURNS date LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN right($1, 2)::int > 12 THEN make_date(left($1, 4)::int + 1, 3, 31)
              ELSE (make_date(left($1, 4)::int, right($1, 2)::int, 1) + interval '1 month')::date - 1 END
$$;

-- The period a year before this one.
CREATE FUNCTION core.year_before(period text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN $1 ~ '^\d{4}-(0[1-9]|1[0-2])$' THEN to_char(to_date($1, 'YYYY-MM') - interval '1 year', 'YYYY-MM')
              WHEN $1 ~ '^\d{4}-\d{2}$' THEN (left($1, 4)::int - 1) || '-' || right(left($1, 4), 2) END
$$;

-- The month, or the financial year, before this one.
CREATE FUNCTION core.period_before(period text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN right($1, 2)::int > 12 THEN (left($1, 4)::int - 1) || '-' || substr($1, 3, 2)  -- a financial year
              WHEN right($1, 2) = '01' THEN (left($1, 4)::int - 1) || '-12'
              ELSE left($1, 5) || lpad((right($1, 2)::int - 1)::text, 2, '0') END
$$;

-- Whether the reader is a member of published_commercial: who logged in, or who that person became by SET ROLE. Not current_user, which is
-- the owner inside functions that run with their owner's rights.
CREATE FUNCTION core.reads_commercial() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT pg_has_role(CASE current_setting('role') WHEN 'none' THEN session_user::text ELSE current_setting('role') END::name,
                     'published_commercial', 'MEMBER')
$$;
