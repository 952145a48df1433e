-- The role of the pipeline, which owns nothing. What it may write stands in include/sql/rights/pipeline.sql, which is applied after the
-- migrations; whoever runs the migrations is the owner.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pipeline') THEN
    CREATE ROLE pipeline LOGIN;
    GRANT published_commercial TO pipeline;  -- it exports and previews prices
  END IF;
END $$;

-- A session may change its own time limits, but not the number of sessions. An hour: a task waits for another one's lock as long as that
-- one computes.
ALTER ROLE pipeline CONNECTION LIMIT 120;
ALTER ROLE pipeline SET statement_timeout = '1h';
ALTER ROLE pipeline SET idle_in_transaction_session_timeout = '1h';
-- A person waits for what the desk asks.
ALTER ROLE steward_desk CONNECTION LIMIT 50;
ALTER ROLE steward_desk SET statement_timeout = '60s';
ALTER ROLE steward_desk SET lock_timeout = '30s';
ALTER ROLE steward_desk SET idle_in_transaction_session_timeout = '10min';

-- What triggers write is for nobody to write by hand: histories and logs of pointers.
ALTER FUNCTION core.rows_begin() SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION core.rows_end() SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION core.log_counting() SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION core.log_release() SECURITY DEFINER SET search_path = pg_catalog, pg_temp;

-- A preview makes a decision and rolls back. The pipeline's role may do that; a transaction that would keep the decision fails.
CREATE FUNCTION core.refuse_to_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = 'The role of the pipeline previews decisions and keeps none. Decide as steward_desk.';
END $$;
CREATE CONSTRAINT TRIGGER only_tried AFTER INSERT ON core.decision DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (current_user = 'pipeline') EXECUTE FUNCTION core.refuse_to_keep();
CREATE CONSTRAINT TRIGGER only_tried AFTER INSERT ON core.verdict DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (current_user = 'pipeline') EXECUTE FUNCTION core.refuse_to_keep();

-- Only the function's owner can say who may run it.
GRANT release_pruner TO CURRENT_USER;
GRANT EXECUTE ON FUNCTION core.prune_releases(int) TO pipeline;
REVOKE release_pruner FROM CURRENT_USER;
