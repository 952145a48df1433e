-- What each accepted submission looks like as a whole, column by column: releases compare it with what the same sender sent before and
-- with its peers (include/validation/profile.py, include/sql/cross/_profiles.sql).
CREATE TABLE core.profile (
  submission_id text NOT NULL, rules_version text NOT NULL,
  column_name text NOT NULL,                    -- a field of the schema; '(keys)', '(rows)' and '(about)' hold sketches
  rows bigint NOT NULL, filled bigint, distinct_values bigint,
  minimum double precision, lower_quartile double precision, median double precision, upper_quartile double precision,
  maximum double precision, total double precision,
  patterns text, recognised double precision, sketch bigint[],
  PRIMARY KEY (submission_id, rules_version, column_name),
  FOREIGN KEY (submission_id, rules_version) REFERENCES core.validation DEFERRABLE INITIALLY DEFERRED);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.profile FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE VIEW intake.profiles AS
SELECT p.submission_id, p.column_name, p.rows, p.filled, p.filled::double precision / nullif(p.rows, 0) AS filled_share, p.distinct_values,
       p.minimum, p.lower_quartile, p.median, p.upper_quartile, p.maximum, p.total, p.patterns, p.recognised
FROM core.profile p JOIN intake.validations v USING (submission_id, rules_version) WHERE p.column_name NOT LIKE '(%';
