-- What each person was told by mail: a digest compares with the last one, and nobody gets two a day.
CREATE TABLE core.digest_sent (
  person text NOT NULL CHECK (btrim(person) <> ''),   -- the name they sign in with; addresses are not kept here
  day date NOT NULL,
  content_hash text NOT NULL,
  -- {key: words}: what stood open then, so that the next one can tell what is new and what was mended
  items jsonb NOT NULL CHECK (jsonb_typeof(items) = 'object'),
  new_items int NOT NULL, open_items int NOT NULL, mended_items int NOT NULL,
  sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (person, day));
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.digest_sent FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE VIEW intake.digests AS
SELECT person, day, sent_at, new_items, open_items, mended_items, content_hash FROM core.digest_sent;
