-- What people read: intake for operators and stewards, published for dashboards. Columns here are a promise.

CREATE SCHEMA intake;
CREATE SCHEMA published;

-- The last validation of each submission.
CREATE VIEW intake.validations AS
SELECT DISTINCT ON (submission_id) * FROM core.validation ORDER BY submission_id, validated_at DESC, rules_version;

CREATE VIEW intake.findings AS
SELECT md5(concat_ws('|', f.submission_id, f.rule_id, f.sheet, f.line, f.column_name, f.number)) AS finding_id,
       f.submission_id, f.rule_id, f.severity, f.responsible, f.sheet, f.line, f.column_name, f.raw_value, f.message
FROM core.finding f JOIN intake.validations v USING (submission_id, rules_version)
UNION ALL
-- Rules between periods, trusts and collections belong to the release that looked at both sides.
SELECT md5(concat_ws('|', x.submission_id, x.rule_id, x.sheet, x.line, x.column_name, x.message)),
       x.submission_id, x.rule_id, 'warn', 'trust', x.sheet, x.line, x.column_name, x.raw_value, x.message
FROM core.cross_finding x JOIN core.current_release r USING (release_id)
UNION ALL
-- SUB01, SUB02, SUB03 follow from the log of receipts.
SELECT md5(concat_ws('|', s.submission_id, 'SUB01')), s.submission_id, 'SUB01', 'info', 'trust', NULL, NULL, NULL, NULL,
       format('Received %s, after the deadline of %s. It counts in timeliness only: nothing to do.',
              to_char(s.received_at AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI'),
              to_char(e.due AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI'))
FROM core.submission s JOIN core.expected e USING (collection, period, sender, part)
WHERE s.version = 1 AND s.received_at > e.due AND (e.closes IS NULL OR s.received_at <= e.closes)
UNION ALL
SELECT md5(concat_ws('|', s.submission_id, 'SUB02')), s.submission_id, 'SUB02', 'info', 'trust', NULL, NULL, NULL, NULL,
       format('Received %s, after the close of %s. It is in the next refresh, and in publications made after that.',
              to_char(s.received_at AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI'),
              to_char(e.closes AT TIME ZONE 'Europe/London', 'DD Mon YYYY HH24:MI'))
FROM core.submission s JOIN core.expected e USING (collection, period, sender, part) WHERE s.received_at > e.closes
UNION ALL
SELECT md5(concat_ws('|', r.submission_id, 'SUB03', r.inbox_key, r.etag)), r.submission_id, 'SUB03', 'warn', 'trust', NULL, NULL, NULL, NULL,
       format('%s holds the same bytes as %s, which had been received. It was given a receipt and changes nothing: send the file that was meant, if another was.',
              split_part(r.inbox_key, '/', 2), s.file_name)
FROM core.receipt r JOIN core.submission s USING (submission_id) WHERE r.again;

CREATE VIEW intake.submissions AS
SELECT s.submission_id, s.collection, s.period, s.sender, s.version, s.sha256,
       CASE WHEN v.outcome IS NULL THEN 'received'
            WHEN v.outcome = 'accepted' AND EXISTS (
              SELECT 1 FROM core.cross_finding x JOIN core.current_release r USING (release_id)
              WHERE x.submission_id = s.submission_id) THEN 'accepted_with_warnings'
            ELSE v.outcome END AS state,
       v.rows_read, v.rows_recorded, v.rows_rejected, v.rows_held, s.received_at,
       c.submission_id IS NOT NULL AS is_current, s.is_sample,
       s.part, s.file_name, v.layout, v.rows_set_aside, v.validated_at
FROM core.submission s
LEFT JOIN intake.validations v USING (submission_id)
LEFT JOIN core.counting c ON c.submission_id = s.submission_id;

CREATE VIEW intake.receipts AS
SELECT r.inbox_key, r.etag, r.submission_id, r.received_at, r.again FROM core.receipt r;

CREATE VIEW intake.releases AS
SELECT r.release_id, r.collection, r.period, r.inputs_hash, r.reference_version, r.code_version, r.submissions, r.is_sample, r.created_at,
       c.release_id IS NOT NULL AS is_current, c.published_at
FROM core.release r LEFT JOIN core.current_release c USING (release_id);

-- Submissions that nobody validated yet.
CREATE VIEW intake.waiting AS
SELECT s.* FROM core.submission s WHERE NOT EXISTS (SELECT 1 FROM core.validation v WHERE v.submission_id = s.submission_id);

CREATE VIEW published.measures AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.provider_name, m.numerator, m.denominator, m.value, m.unit,
       m.quality_flag, m.percentile_rank, m.peer_group, m.release_id, m.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.measure m USING (release_id);

CREATE VIEW published.benchmarks AS
SELECT b.metric_id, r.collection, r.period, b.peer_group, b.providers, b.minimum, b.lower_quartile, b.median, b.upper_quartile,
       b.maximum, b.release_id, b.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.benchmark b USING (release_id);

CREATE VIEW published.comparisons AS
SELECT k.metric_id, r.collection, r.period, k.provider_code, k.benchmark_kind, k.benchmark_value, k.variance, k.is_better,
       k.opportunity_gbp, k.stretch_opportunity_gbp, k.adds_to_total, k.release_id, r.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.comparison k USING (release_id);

CREATE VIEW published.price_comparison AS
SELECT r.collection, r.period, s.product_code, s.code_type, s.base_unit, s.description,
       s.trusts, s.lines, s.spend_gbp, s.lowest, s.lower_quartile, s.median, s.upper_quartile, s.highest, s.suspects_left_out,
       p.provider_code, p.lines AS provider_lines, p.base_units AS provider_base_units, p.spend_gbp AS provider_spend_gbp,
       p.unit_price_gbp, p.variance_to_median, p.opportunity_to_median_gbp, p.opportunity_to_lowest_gbp,
       s.release_id, p.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.price_spread s USING (release_id)
JOIN core.price_position p ON p.release_id = s.release_id AND p.product_code = s.product_code
  AND p.code_type = s.code_type AND p.base_unit = s.base_unit;

CREATE VIEW published.price_list AS
SELECT r.collection, r.period, l.part, l.product_code, l.pack_code, l.name, l.supplier, l.pack_size, l.unit, l.price_pence,
       l.price_per_unit_pence, l.change_on_previous_pence, l.release_id, l.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.price_list l USING (release_id);

CREATE VIEW published.kept_apart AS
SELECT r.collection, r.period, k.body_code, k.body_name, k.body_type, k.rows, k.release_id, r.is_sample
FROM core.current_release c JOIN core.release r USING (release_id) JOIN core.kept_apart k USING (release_id);

CREATE VIEW published.engagement_timeline AS
SELECT event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
       recommendation_number, summary, source
FROM core.timeline;

CREATE VIEW published.data_status AS
WITH expected AS (
  SELECT collection, period, count(*) AS expected FROM core.expected GROUP BY 1, 2),
sent AS (
  SELECT s.collection, s.period, s.sender, s.part,
         bool_or(c.submission_id IS NOT NULL) AS counts,
         coalesce(bool_or(s.is_sample) FILTER (WHERE c.submission_id IS NOT NULL), bool_or(s.is_sample)) AS is_sample,
         -- held: the newest version is held, or nothing was ever accepted
         NOT bool_or(c.submission_id IS NOT NULL) AND bool_or(v.outcome = 'held') AS held
  FROM core.submission s LEFT JOIN intake.validations v USING (submission_id)
  LEFT JOIN core.counting c ON c.submission_id = s.submission_id
  WHERE s.period IS NOT NULL AND s.sender IS NOT NULL GROUP BY 1, 2, 3, 4),
counted AS (
  SELECT s.collection, s.period, count(*) AS received, count(*) FILTER (WHERE s.counts) AS accepted,
         count(*) FILTER (WHERE s.held) AS held, bool_or(s.is_sample) AS is_sample,
         count(*) FILTER (WHERE e.sender IS NOT NULL) AS received_expected,
         count(*) FILTER (WHERE s.counts AND e.sender IS NOT NULL) AS accepted_expected
  FROM sent s LEFT JOIN core.expected e USING (collection, period, sender, part) GROUP BY 1, 2)
SELECT n.collection, n.period, coalesce(e.expected, 0) AS expected, n.received, n.accepted, n.held,
       coalesce(e.expected, 0) - n.received_expected AS missing,
       n.accepted_expected::double precision / nullif(e.expected, 0) AS coverage,
       c.published_at, c.release_id, n.is_sample
FROM counted n LEFT JOIN expected e USING (collection, period) LEFT JOIN core.current_release c USING (collection, period);

CREATE VIEW published.metrics AS SELECT * FROM core.metric;
CREATE VIEW published.recommendations AS SELECT * FROM core.recommendation;
CREATE VIEW published.cohort AS SELECT * FROM core.cohort;
CREATE VIEW published.providers AS
SELECT p.code AS provider_code, n.name AS provider_name, p.sector, p.region, p.kind, p.open_from, p.open_to,
       EXISTS (SELECT 1 FROM core.cohort c WHERE c.code = p.code) AS in_cohort
FROM core.provider p LEFT JOIN LATERAL (
  SELECT name FROM core.provider_name n WHERE n.code = p.code ORDER BY valid_from DESC NULLS LAST LIMIT 1) n ON true;
CREATE VIEW published.successions AS SELECT from_code, to_code, legal_date, type, verified, source FROM core.succession;
