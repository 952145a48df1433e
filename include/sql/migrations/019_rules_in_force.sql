-- When we learn, held returns are freed: which rules are in force, which submissions were validated under others and wait again.

-- The rules and reference data that the pipeline validates by, a row for each change; the newest of a collection is in force.
CREATE TABLE core.rules_in_force (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, collection text NOT NULL,
  rules_version text NOT NULL,           -- of schema, layouts, catalogue entry, common code and what is read of the reference data
  reference_part text NOT NULL,          -- of the reference data that validation reads
  providers text[] NOT NULL,             -- national collections: the codes that are known
  since timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX rules_in_force_newest ON core.rules_in_force (collection, number DESC);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.rules_in_force FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
SELECT core.keep_time('rules_in_force', 'since');

CREATE VIEW core.rules_now AS
SELECT DISTINCT ON (r.collection) r.* FROM core.rules_in_force r ORDER BY r.collection, r.number DESC;

-- A validation under newer rules that came to the same as one that stands: nothing moves, and it is not made again.
CREATE TABLE core.found_again (
  submission_id text NOT NULL, rules_version text NOT NULL, same_as text NOT NULL, found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (submission_id, rules_version, same_as),
  FOREIGN KEY (submission_id, same_as) REFERENCES core.validation (submission_id, rules_version));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.found_again FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- A file that was received before it could be seen what it is about, and the submission that it is since then.
CREATE TABLE core.identified_later (
  submission_id text PRIMARY KEY REFERENCES core.submission, became text NOT NULL UNIQUE REFERENCES core.submission,
  rules_version text NOT NULL, identified_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.identified_later FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Somebody asked for it: all held returns (of a period), or the accepted ones too, that were validated before.
CREATE TABLE core.revalidation (
  revalidation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, collection text NOT NULL, period text, accepted_too boolean NOT NULL,
  rules_version text NOT NULL, person text NOT NULL, reason text NOT NULL, asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE NULLS NOT DISTINCT (collection, period, accepted_too, rules_version));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.revalidation FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE VIEW intake.revalidations AS
SELECT r.revalidation_id, r.collection, r.period, r.accepted_too, r.rules_version, r.person, r.reason, r.asked_at FROM core.revalidation r;

CREATE INDEX finding_unknown ON core.finding (submission_id, rules_version) WHERE rule_id = 'STR04' AND severity = 'warn' AND responsible = 'us';

-- What the rules in force concern: validated under others, and
-- held, where it would count if it were not; or counting, with a warning about a provider that is known by now; or asked for.
CREATE VIEW core.concerned AS
SELECT s.submission_id
FROM core.submission s JOIN intake.validations v USING (submission_id)
JOIN core.rules_now r ON r.collection = s.collection AND r.rules_version <> split_part(v.rules_version, '.', 1)
WHERE s.submission_id NOT IN (SELECT i.submission_id FROM core.identified_later i)
  AND (
    (v.outcome = 'held' AND NOT EXISTS (
       SELECT FROM core.counting c JOIN core.submission o ON o.submission_id = c.submission_id
       WHERE (c.collection, c.period, c.sender, c.part) = (s.collection, s.period, s.sender, s.part)
         AND (o.is_sample, -o.version) < (s.is_sample, -s.version)))
    OR (v.outcome = 'accepted_with_warnings' AND r.providers <> '{}'
       AND EXISTS (SELECT FROM core.counting c WHERE c.submission_id = s.submission_id)
       AND EXISTS (SELECT FROM core.finding f WHERE f.submission_id = s.submission_id AND f.rules_version = v.rules_version
                   AND f.rule_id = 'STR04' AND f.severity = 'warn' AND f.responsible = 'us'
                   AND upper(btrim(f.raw_value)) = ANY(r.providers)))
    OR EXISTS (SELECT FROM core.revalidation q WHERE q.collection = s.collection AND q.asked_at > v.validated_at
               AND (q.period IS NULL OR q.period = s.period) AND (q.accepted_too OR v.outcome = 'held')))
  -- Done already, also by rules that were in force before and are again.
  AND NOT EXISTS (SELECT FROM core.validation o WHERE o.submission_id = s.submission_id AND o.decisions = v.decisions
                  AND split_part(o.rules_version, '.', 1) = r.rules_version)
  AND NOT EXISTS (SELECT FROM core.found_again o WHERE o.submission_id = s.submission_id AND o.same_as = v.rules_version
                  AND split_part(o.rules_version, '.', 1) = r.rules_version);

-- As before (004), without what has become another submission; and what the rules in force concern.
CREATE OR REPLACE VIEW intake.waiting AS
SELECT s.* FROM core.submission s
LEFT JOIN intake.validations v USING (submission_id)
LEFT JOIN core.applying_sets a USING (submission_id)
LEFT JOIN core.should_count n USING (submission_id)
LEFT JOIN core.counting c USING (submission_id)
WHERE (v.submission_id IS NULL OR v.decisions <> coalesce(a.decisions, '{}')
       OR n.rules_version IS DISTINCT FROM c.rules_version
       OR s.submission_id IN (SELECT k.submission_id FROM core.concerned k))
  AND s.submission_id NOT IN (SELECT i.submission_id FROM core.identified_later i);

-- As before (005); what has become another submission is not the newest of anything.
CREATE OR REPLACE VIEW intake.submissions AS
SELECT s.submission_id, s.collection, s.period, s.sender, s.version, s.sha256,
       CASE WHEN v.outcome IS NULL THEN 'received'
            WHEN v.outcome = 'accepted' AND EXISTS (
              SELECT 1 FROM core.cross_findings x WHERE x.submission_id = s.submission_id AND x.decision_id IS NULL)
              THEN 'accepted_with_warnings'
            ELSE v.outcome END AS state,
       v.rows_read, v.rows_recorded, v.rows_rejected, v.rows_held, s.received_at,
       c.submission_id IS NOT NULL AS is_current, s.is_sample,
       s.part, s.file_name, v.layout, v.rows_set_aside, v.validated_at,
       coalesce(v.decisions, '{}') AS decisions,
       -- A file of no known period or sender follows no other one.
       i.became IS NULL AND NOT EXISTS (SELECT FROM core.submission o
                   WHERE (o.collection, o.period, o.sender, o.part) = (s.collection, s.period, s.sender, s.part)
                   AND o.version > s.version) AS is_newest,
       EXISTS (SELECT FROM intake.decisions d WHERE d.submission_id = s.submission_id AND d.kind = 'return' AND d.state = 'in_force') AS is_returned,
       i.became
FROM core.submission s
LEFT JOIN intake.validations v USING (submission_id)
LEFT JOIN core.counting c ON c.submission_id = s.submission_id
LEFT JOIN core.identified_later i ON i.submission_id = s.submission_id;

CREATE OR REPLACE VIEW intake.tasks AS
WITH newest AS (
  SELECT * FROM core.submission s WHERE NOT EXISTS (
    SELECT FROM core.submission o WHERE (o.collection, o.period, o.sender, o.part) = (s.collection, s.period, s.sender, s.part)
    AND o.version > s.version)
  AND NOT EXISTS (SELECT FROM core.identified_later i WHERE i.submission_id = s.submission_id)),
folded AS (
  SELECT f.submission_id, f.rule_id, f.column_name, f.severity, f.responsible, count(*) AS findings,
         min(f.line) AS first_line, min(f.message) AS example
  FROM (
    SELECT f.submission_id, f.rule_id, f.severity, f.responsible, f.line, f.column_name, f.message
    FROM newest n JOIN intake.validations v USING (submission_id) JOIN core.finding f USING (submission_id, rules_version)
    WHERE f.severity IN ('hold', 'reject', 'warn') AND f.decision_id IS NULL
    UNION ALL
    SELECT x.submission_id, x.rule_id, x.severity, x.responsible, x.line, x.column_name, x.message
    FROM core.cross_findings x JOIN newest USING (submission_id) WHERE x.decision_id IS NULL) f
  GROUP BY 1, 2, 3, 4, 5)
SELECT md5(concat_ws('|', f.submission_id, f.rule_id, f.column_name)) AS task_id, f.submission_id, n.collection, n.period, n.sender, n.part, n.version,
       f.rule_id, f.column_name, f.severity, f.responsible, f.findings, f.first_line, f.example,
       v.outcome AS submission_state, n.received_at, e.due, e.closes, a.assignee, n.is_sample
FROM folded f JOIN newest n USING (submission_id) JOIN intake.validations v USING (submission_id)
LEFT JOIN core.expected e ON (e.collection, e.period, e.sender, e.part) = (n.collection, n.period, n.sender, n.part)
LEFT JOIN LATERAL (
  SELECT d.assignee FROM intake.decisions d
  WHERE d.submission_id = f.submission_id AND d.kind = 'assign' AND d.state = 'in_force'
    AND (d.rule_id IS NULL OR (d.rule_id = f.rule_id AND d.column_name IS NOT DISTINCT FROM f.column_name))
  ORDER BY d.decision_id DESC LIMIT 1) a ON true;
