-- What each validation made of each provider's rows, so that a figure can say how much of what was sent it rests on.

CREATE TABLE core.provider_rows (
  submission_id text NOT NULL, rules_version text NOT NULL,
  provider_code text,                    -- as the rows have it; NULL: they name none, or none that can be read
  rows_sent bigint NOT NULL, rows_used bigint NOT NULL, rows_warned bigint NOT NULL,
  UNIQUE NULLS NOT DISTINCT (submission_id, rules_version, provider_code),
  FOREIGN KEY (submission_id, rules_version) REFERENCES core.validation DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT used_and_warned_were_sent CHECK (rows_used BETWEEN 0 AND rows_sent AND rows_warned BETWEEN 0 AND rows_sent));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.provider_rows FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

ALTER TABLE core.validation ADD COLUMN counts_hash text;    -- of the rows by provider and the cells, which figures rest on too

-- What it is when nobody decided anything about it; NULL: validated before this was kept. Identified: it can be seen to be the return
-- that it was sent as.
ALTER TABLE core.validation ADD COLUMN identified boolean;
ALTER TABLE core.validation ADD COLUMN plain_outcome text CHECK (plain_outcome IN ('accepted', 'accepted_with_warnings', 'held'));
ALTER TABLE core.validation ADD COLUMN plain_cells_expected bigint;
ALTER TABLE core.validation ADD COLUMN plain_cells_valid bigint;

-- As before (004), with these columns.
CREATE OR REPLACE VIEW intake.validations AS
SELECT DISTINCT ON (v.submission_id) v.*
FROM core.validation v LEFT JOIN core.applying_sets a USING (submission_id)
ORDER BY v.submission_id, (v.decisions = coalesce(a.decisions, '{}')) DESC, v.validated_at DESC, v.rules_version;
SELECT core.write_moment('intake.validations');

-- Trusts that must be in a national file, as they were open at the period's end.
CREATE TABLE core.expected_provider (
  collection text NOT NULL, period text NOT NULL, provider_code text NOT NULL, stated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (collection, period, provider_code));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.expected_provider FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
SELECT core.keep_time('expected_provider', 'stated_at');
CREATE FUNCTION moment.provider_rows(at timestamptz) RETURNS SETOF core.provider_rows LANGUAGE sql STABLE AS $$
  SELECT r.* FROM core.provider_rows r JOIN core.validation v USING (submission_id, rules_version) WHERE v.validated_at <= $1
$$;

-- What the figures of each collection and period rest on (005); also what returns were without decisions, and the trusts expected in files.
CREATE OR REPLACE VIEW core.inputs AS
SELECT collection, period, bool_or(counts) AS counts, md5(string_agg(fact, ',' ORDER BY fact)) AS hash FROM (
  SELECT s.collection, s.period, c.submission_id IS NOT NULL AS counts,
         concat_ws('|', s.submission_id, s.version, v.outcome, c.submission_id IS NOT NULL, extract(epoch FROM s.received_at),
                   s.is_sample, v.records_sha256,
                   (SELECT string_agg(d.decision_key, ',' ORDER BY d.decision_key) FROM core.decision d
                    WHERE d.decision_id = ANY(v.decisions)),
                   k.counts_hash, k.identified, k.plain_outcome, k.plain_cells_expected, k.plain_cells_valid) AS fact
  FROM core.submission s JOIN intake.validations v USING (submission_id)
  JOIN core.validation k ON k.submission_id = v.submission_id AND k.rules_version = v.rules_version
  LEFT JOIN core.counting c ON c.submission_id = s.submission_id AND c.rules_version = v.rules_version
  WHERE s.period IS NOT NULL AND s.sender IS NOT NULL
  UNION ALL
  SELECT collection, period, false, concat_ws('|', sender, part, extract(epoch FROM due)) FROM core.expected
  UNION ALL
  SELECT collection, period, false, 'in file|' || provider_code FROM core.expected_provider) AS facts
GROUP BY 1, 2;

CREATE FUNCTION core.period_before(period text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN right($1, 2)::int > 12 THEN (left($1, 4)::int - 1) || '-' || substr($1, 3, 2)  -- a financial year
              WHEN right($1, 2) = '01' THEN (left($1, 4)::int - 1) || '-12'
              ELSE left($1, 5) || lpad((right($1, 2)::int - 1)::text, 2, '0') END
$$;

-- As before (009); of a national file coverage counts the trusts that must be in it, not the files.
CREATE OR REPLACE VIEW published.data_status AS
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
SELECT core.write_moment_as_at('data_status');
