-- What is expected, and what was received.

-- Dates of each period, by the catalogue's calendar, as they were first stated.
CREATE TABLE core.calendar (
  collection text NOT NULL REFERENCES core.collection, period text NOT NULL, due timestamptz, closes timestamptz, final_from timestamptz,
  stated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (collection, period));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.calendar FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.expected (
  collection text NOT NULL REFERENCES core.collection, period text NOT NULL, sender text NOT NULL, part text NOT NULL DEFAULT '',
  due timestamptz, closes timestamptz, stated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (collection, period, sender, part));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.expected FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Trusts that must be in a national file, as they were open at the period's end.
CREATE TABLE core.expected_provider (
  collection text NOT NULL REFERENCES core.collection, period text NOT NULL, provider_code text NOT NULL, stated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (collection, period, provider_code));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.expected_provider FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.submission (
  submission_id text PRIMARY KEY,               -- from collection and sha256: the same bytes are the same submission
  collection text NOT NULL REFERENCES core.collection,
  period text, sender text, part text NOT NULL DEFAULT '',
  version int NOT NULL CHECK (version > 0),     -- its place in the chain of (collection, period, sender, part)
  sha256 text NOT NULL, bytes bigint NOT NULL,
  file_name text NOT NULL, archive_key text NOT NULL,
  received_at timestamptz NOT NULL, registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  is_sample boolean NOT NULL);
CREATE UNIQUE INDEX submission_chain ON core.submission
  (collection, coalesce(period, ''), coalesce(sender, ''), part, version);
CREATE INDEX submission_sha ON core.submission (sha256);
CREATE INDEX submission_registered ON core.submission (registered_at);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.submission FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Every object of the inbox that was looked at.
CREATE TABLE core.receipt (
  inbox_key text NOT NULL, etag text NOT NULL, submission_id text NOT NULL REFERENCES core.submission,
  received_at timestamptz NOT NULL, again boolean NOT NULL,  -- again: these bytes had been sent before
  PRIMARY KEY (inbox_key, etag));
CREATE INDEX receipt_submission ON core.receipt (submission_id);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.receipt FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- What a publisher's server said last, for conditional requests.
CREATE TABLE core.fetch (
  url text PRIMARY KEY, etag text, last_modified text, fetched_at timestamptz NOT NULL, submission_key text);

-- A file that could not be identified when it was received, and the submission that it became when it could.
CREATE TABLE core.identified_later (
  submission_id text PRIMARY KEY REFERENCES core.submission, became text NOT NULL UNIQUE REFERENCES core.submission,
  rules_version text NOT NULL, identified_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.identified_later FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
