-- Samples whose metadata say that they arrived at something that is no time: they are held, and received when the object store says so.
CREATE TABLE core.not_dated (
  submission_id text PRIMARY KEY REFERENCES core.submission,
  arrived_at text NOT NULL,                     -- what the metadata say, as sent
  found_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.not_dated FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

INSERT INTO core.rule_limit (rule_id, accept, waive, because) VALUES
  ('FIL-ARRIVED', false, false, 'it is not known when it was sent'),
  ('SYS-ERROR', false, false, 'it was not checked: the fault in our system must be mended first');
