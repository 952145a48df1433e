-- The audit of what people decided: each row is noted with a hash of itself and of the entry before it, so that a row that is changed,
-- removed or put in later, even by somebody who can switch off the triggers named facts, no longer fits. `doctor` looks.

-- A row as text: without its NULLs, so that a column added later changes no hash. (A migration that adds a column with a value to one of
-- these tables makes the chain not fit.)
CREATE FUNCTION core.audit_content(one anyelement) RETURNS text LANGUAGE sql STABLE SET TimeZone = 'UTC' SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_strip_nulls(to_jsonb(one))::text
$$;

CREATE FUNCTION core.audit_hash(previous text, of_table text, content text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT encode(sha256(convert_to(concat_ws(E'\n', previous, of_table, content), 'UTF8')), 'hex')
$$;

CREATE TABLE core.audit (
  place bigint PRIMARY KEY CHECK (place > 0),   -- 1, 2, 3 ... in the order of commits, without gaps
  of_table text NOT NULL CHECK (of_table IN ('decision', 'verdict', 'release_verdict', 'preview_extension', 'preview_response')), row_key text NOT NULL,
  hash text NOT NULL,
  UNIQUE (of_table, row_key));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.audit FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE VIEW core.audited AS
SELECT 'decision' AS of_table, d.decision_id::text AS row_key, d.decided_at AS since, core.audit_content(d) AS content FROM core.decision d
UNION ALL
SELECT 'verdict', v.decision_id::text, v.given_at, core.audit_content(v) FROM core.verdict v
UNION ALL
SELECT 'release_verdict', v.verdict_id::text, v.given_at, core.audit_content(v) FROM core.release_verdict v;

-- At the end of the transaction, so that previews, which roll back, and decisions that take a while keep nobody waiting: one at a time
-- from here to the commit.
CREATE FUNCTION core.note_in_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE last record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('audit'));
  SELECT a.place, a.hash INTO last FROM core.audit a ORDER BY a.place DESC LIMIT 1;
  INSERT INTO core.audit (place, of_table, row_key, hash)
  VALUES (coalesce(last.place, 0) + 1, TG_TABLE_NAME, to_jsonb(NEW) ->> TG_ARGV[0],
          core.audit_hash(coalesce(last.hash, ''), TG_TABLE_NAME, core.audit_content(NEW)));
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audited AFTER INSERT ON core.decision DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION core.note_in_audit('decision_id');
CREATE CONSTRAINT TRIGGER audited AFTER INSERT ON core.verdict DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION core.note_in_audit('decision_id');
CREATE CONSTRAINT TRIGGER audited AFTER INSERT ON core.release_verdict DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION core.note_in_audit('verdict_id');
