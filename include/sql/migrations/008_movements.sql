-- Why a figure moved: what each release rested on, and the steps from the release before it, one cause a step.

CREATE TABLE core.release_input (       -- the submissions of a release's window, as they stood; counts: its records were read
  release_id text NOT NULL REFERENCES core.release, submission_id text NOT NULL, rules_version text NOT NULL, counts boolean NOT NULL,
  PRIMARY KEY (release_id, submission_id));
CREATE TABLE core.movement (
  release_id text NOT NULL REFERENCES core.release, previous_release_id text NOT NULL REFERENCES core.release,
  metric_id text NOT NULL, provider_code text NOT NULL, step int NOT NULL, cause text NOT NULL,
  value_before double precision, value_after double precision,
  PRIMARY KEY (release_id, previous_release_id, metric_id, provider_code, step));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.release_input FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.movement FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE VIEW published.movements AS
SELECT m.metric_id, r.collection, r.period, m.provider_code, m.step, m.cause, m.value_before, m.value_after,
       m.value_after - m.value_before AS change, m.previous_release_id, m.release_id, r.is_sample
FROM core.movement m JOIN core.release r USING (release_id);
