-- As at: what every published table said at a moment, from the log of where the pointers stood.

CREATE INDEX release_log_moves ON core.release_log (collection, period, published_at DESC, move_id DESC);

-- Which release was the current one of each collection and period at a moment. A move counts from its published_at on.
CREATE FUNCTION core.standing_at(at timestamptz, of_collection text, of_period text)
RETURNS TABLE (collection text, period text, release_id text, published_at timestamptz) LANGUAGE sql STABLE AS $$
  SELECT DISTINCT ON (l.collection, l.period) l.collection, l.period, l.release_id, l.published_at FROM core.release_log l
  WHERE l.published_at <= $1 AND ($2 IS NULL OR l.collection = $2) AND ($3 IS NULL OR l.period = $3)
  ORDER BY l.collection, l.period, l.published_at DESC, l.move_id DESC
$$;

CREATE VIEW published.release_history AS
SELECT l.collection, l.period, l.release_id, l.published_at,
       l.release_id = c.release_id AND l.published_at = c.published_at AS is_current
FROM core.release_log l JOIN core.current_release c USING (collection, period);

CREATE FUNCTION published.releases_as_at(at timestamptz, of_collection text DEFAULT NULL, of_period text DEFAULT NULL)
RETURNS SETOF published.release_history LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.collection, s.period, s.release_id, s.published_at, s.release_id = c.release_id AND s.published_at = c.published_at
  FROM core.standing_at($1, $2, $3) s JOIN core.current_release c USING (collection, period)
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

-- A reader's transaction sees the releases that were current when it began, over all the tables it reads.
ALTER ROLE dashboard_reader SET default_transaction_isolation = 'repeatable read';
ALTER ROLE steward_reader SET default_transaction_isolation = 'repeatable read';
