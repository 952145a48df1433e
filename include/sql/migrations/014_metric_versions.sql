-- Metrics as reviewed records: a definition that changes is a new version, and each release keeps which version its figures follow.

ALTER TABLE core.metric ADD COLUMN question text;
ALTER TABLE core.metric ADD COLUMN frequency text;
ALTER TABLE core.metric ADD COLUMN peer_basis text;
ALTER TABLE core.metric ADD COLUMN benchmark_default text;
ALTER TABLE core.metric ADD COLUMN min_peers int;
ALTER TABLE core.metric ADD COLUMN monetised text;
ALTER TABLE core.metric ADD COLUMN may_be_added boolean;
ALTER TABLE core.metric ADD COLUMN disclosure_class text;
ALTER TABLE core.metric ADD COLUMN basis text;
ALTER TABLE core.metric ADD COLUMN version int NOT NULL DEFAULT 1;
ALTER TABLE core.metric ADD COLUMN valid_from date;
ALTER TABLE core.metric ADD COLUMN checked_by text;
ALTER TABLE core.metric ADD COLUMN checked_on date;
ALTER TABLE core.metric ADD COLUMN check_again_by date;
ALTER TABLE core.metric DROP CONSTRAINT metric_pkey;
ALTER TABLE core.metric ADD PRIMARY KEY (metric_id, version);

CREATE TABLE core.release_metric (      -- which version of its metric each of a release's figures follows
  release_id text NOT NULL REFERENCES core.release, metric_id text NOT NULL, version int NOT NULL,
  PRIMARY KEY (release_id, metric_id));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_metric FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- The newest version of each; the others stay in metric_versions.
CREATE OR REPLACE VIEW published.metrics AS
SELECT DISTINCT ON (m.metric_id) m.metric_id, m.name, m.unit, m.polarity, m.numerator, m.denominator, m.formula, m.lens, m.compartment,
       m.oversight_theme, m.recommendation, m.fed_by, m.not_fed_because, m.question, m.frequency, m.peer_basis, m.benchmark_default,
       m.min_peers, m.monetised, m.may_be_added, m.disclosure_class, m.basis, m.version, m.valid_from, m.checked_by, m.checked_on,
       m.check_again_by
FROM core.metric m ORDER BY m.metric_id, m.version DESC;

CREATE VIEW published.metric_versions AS SELECT * FROM core.metric;

CREATE VIEW published.definitions_used AS
SELECT d.metric_id, r.collection, r.period, d.version, r.release_id, r.is_sample
FROM core.release_metric d JOIN core.current_release c USING (release_id) JOIN core.release r USING (release_id);
SELECT core.write_as_at('definitions_used');
