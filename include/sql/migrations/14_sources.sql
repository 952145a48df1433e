-- What was seen at publishers. It takes the place of core.fetch, which kept only the last answer of an address.
DROP TABLE core.fetch;

-- Every look at a source: its page or package, and what came of it.
CREATE TABLE core.source_look (
  look_id text PRIMARY KEY, collection text NOT NULL REFERENCES core.collection, source text NOT NULL,
  page_url text, status int, etag text, last_modified text, page_sha256 text,
  outcome text NOT NULL, said text NOT NULL, offered int NOT NULL, fetched int NOT NULL,
  reached boolean NOT NULL,                     -- whether the publisher answered, whatever it said
  asked_since text,                             -- a person asked for history from this period on
  began_at timestamptz NOT NULL, ended_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX source_look_last ON core.source_look (collection, source, ended_at);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.source_look FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Every file that was asked for, or passed over for another one. The look may have been killed before it was written down.
CREATE TABLE core.source_file (
  file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  look_id text NOT NULL, collection text NOT NULL REFERENCES core.collection, source text NOT NULL, part text NOT NULL DEFAULT '',
  period text, edition text NOT NULL DEFAULT '',
  page_url text NOT NULL, link_url text NOT NULL, final_url text, link_text text NOT NULL,
  resource text NOT NULL DEFAULT '', published text NOT NULL DEFAULT '', period_from text NOT NULL DEFAULT '',
  outcome text NOT NULL, said text NOT NULL DEFAULT '', status int, etag text, last_modified text,
  bytes bigint, sha256 text,                    -- of what went to the inbox: the member, where a zip came
  inbox_key text,
  seen_at timestamptz NOT NULL, noted_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX source_file_chain ON core.source_file (collection, part, period);
CREATE TRIGGER facts BEFORE UPDATE OR DELETE ON core.source_file FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

CREATE VIEW intake.source_looks AS
SELECT l.collection, l.source, l.began_at, l.ended_at, l.outcome, l.said, l.reached, l.offered, l.fetched, l.asked_since, l.page_url, l.status,
       l.etag, l.last_modified, l.page_sha256, l.look_id
FROM core.source_look l;
COMMENT ON VIEW intake.source_looks IS 'Every look at a publisher''s page or package, and what came of it.';
COMMENT ON COLUMN intake.source_looks.collection IS 'Name of the collection, as in the catalogue.';
COMMENT ON COLUMN intake.source_looks.source IS 'The source of the collection, as its source.toml names it.';
COMMENT ON COLUMN intake.source_looks.began_at IS 'When it began.';
COMMENT ON COLUMN intake.source_looks.ended_at IS 'When it ended.';
COMMENT ON COLUMN intake.source_looks.outcome IS 'What it came to; of several things that which matters most. docs/sources.md explains each.';
COMMENT ON COLUMN intake.source_looks.said IS 'What was found and what to do, in words; empty where there is nothing to say.';
COMMENT ON COLUMN intake.source_looks.reached IS 'Whether the publisher answered every request, whatever it said.';
COMMENT ON COLUMN intake.source_looks.offered IS 'How many files the publisher offers that are meant.';
COMMENT ON COLUMN intake.source_looks.fetched IS 'How many went to the inbox.';
COMMENT ON COLUMN intake.source_looks.asked_since IS 'The first period of the history that a person asked for; NULL at a usual look.';
COMMENT ON COLUMN intake.source_looks.page_url IS 'Address of the page or package, after redirects.';
COMMENT ON COLUMN intake.source_looks.status IS 'HTTP status of the page or package.';
COMMENT ON COLUMN intake.source_looks.etag IS 'The ETag that the server gave it.';
COMMENT ON COLUMN intake.source_looks.last_modified IS 'The Last-Modified that the server gave it.';
COMMENT ON COLUMN intake.source_looks.page_sha256 IS 'SHA-256 of the page or answer.';
COMMENT ON COLUMN intake.source_looks.look_id IS 'The look; files seen in it carry the same.';

CREATE VIEW intake.source_files AS
SELECT f.collection, f.source, f.part, f.period, f.edition, f.outcome, f.said, f.seen_at, f.link_text, f.period_from, f.published,
       f.page_url, f.link_url, f.final_url, f.status, f.etag, f.last_modified, f.bytes, f.sha256, f.inbox_key, f.look_id, f.file_id
FROM core.source_file f;
COMMENT ON VIEW intake.source_files IS 'Every file that was asked for at a publisher''s, or passed over for another one of the same period.';
COMMENT ON COLUMN intake.source_files.collection IS 'Name of the collection, as in the catalogue.';
COMMENT ON COLUMN intake.source_files.source IS 'The source of the collection, as its source.toml names it.';
COMMENT ON COLUMN intake.source_files.part IS 'Part of the collection; empty where the source names none.';
COMMENT ON COLUMN intake.source_files.period IS 'Month (2025-06) or financial year (2016-17, April to March) that the row is about; NULL where it is not known.';
COMMENT ON COLUMN intake.source_files.edition IS 'provisional, final and the like; empty where the publisher makes no difference.';
COMMENT ON COLUMN intake.source_files.outcome IS 'What came of it: new, correction, same, not_changed, superseded, or what went wrong. docs/sources.md explains each.';
COMMENT ON COLUMN intake.source_files.said IS 'What was found, in words; empty where there is nothing to say.';
COMMENT ON COLUMN intake.source_files.seen_at IS 'When the look began in which it was seen.';
COMMENT ON COLUMN intake.source_files.link_text IS 'What the link or resource is called.';
COMMENT ON COLUMN intake.source_files.period_from IS 'How the period was decided: file content, link text, file name, resource name, issue or address.';
COMMENT ON COLUMN intake.source_files.published IS 'The publisher''s own date of it, as written; empty where none is given.';
COMMENT ON COLUMN intake.source_files.page_url IS 'Address of the page or package that offers it.';
COMMENT ON COLUMN intake.source_files.link_url IS 'Address of the file, as offered.';
COMMENT ON COLUMN intake.source_files.final_url IS 'Address of the file after redirects; NULL where it was not fetched.';
COMMENT ON COLUMN intake.source_files.status IS 'HTTP status; NULL where it was not asked for or no answer came.';
COMMENT ON COLUMN intake.source_files.etag IS 'The ETag that the server gave it.';
COMMENT ON COLUMN intake.source_files.last_modified IS 'The Last-Modified that the server gave it.';
COMMENT ON COLUMN intake.source_files.bytes IS 'Size of what is meant, unpacked where it came in a zip.';
COMMENT ON COLUMN intake.source_files.sha256 IS 'SHA-256 of what is meant, unpacked where it came in a zip; the submission has the same.';
COMMENT ON COLUMN intake.source_files.inbox_key IS 'Where it was put in the inbox; NULL where it was not.';
COMMENT ON COLUMN intake.source_files.look_id IS 'The look in which it was seen.';
COMMENT ON COLUMN intake.source_files.file_id IS 'The row; later ones are higher.';

CREATE VIEW intake.sources AS
SELECT DISTINCT ON (l.collection, l.source) l.collection, l.source, l.ended_at AS looked_at, l.outcome, l.said,
       h.newest_period, h.files, h.last_fetched_at
FROM core.source_look l
LEFT JOIN LATERAL (
  SELECT max(f.period) AS newest_period, count(*) AS files, max(f.seen_at) AS last_fetched_at FROM core.source_file f
  WHERE f.collection = l.collection AND f.source = l.source AND f.inbox_key IS NOT NULL) h ON true
ORDER BY l.collection, l.source, l.ended_at DESC;
COMMENT ON VIEW intake.sources IS 'Each source that was ever looked at, with its last look.';
COMMENT ON COLUMN intake.sources.collection IS 'Name of the collection, as in the catalogue.';
COMMENT ON COLUMN intake.sources.source IS 'The source of the collection, as its source.toml names it.';
COMMENT ON COLUMN intake.sources.looked_at IS 'When its last look ended.';
COMMENT ON COLUMN intake.sources.outcome IS 'What that look came to. docs/sources.md explains each outcome.';
COMMENT ON COLUMN intake.sources.said IS 'What was found and what to do, in words; empty where there is nothing to say.';
COMMENT ON COLUMN intake.sources.newest_period IS 'The newest period of which a file went to the inbox; NULL where none did.';
COMMENT ON COLUMN intake.sources.files IS 'How many files went to the inbox.';
COMMENT ON COLUMN intake.sources.last_fetched_at IS 'When the last one did.';
