-- What each validation made of each provider's rows, so that a figure can say how much of what was sent it rests on.

CREATE TABLE core.provider_rows (
  submission_id text NOT NULL, rules_version text NOT NULL,
  provider_code text,                    -- as the rows have it; NULL: they name none, or none that can be read
  rows_sent bigint NOT NULL, rows_used bigint NOT NULL, rows_warned bigint NOT NULL,
  UNIQUE NULLS NOT DISTINCT (submission_id, rules_version, provider_code),
  FOREIGN KEY (submission_id, rules_version) REFERENCES core.validation DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT used_and_warned_were_sent CHECK (rows_used BETWEEN 0 AND rows_sent AND rows_warned BETWEEN 0 AND rows_sent));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.provider_rows FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
