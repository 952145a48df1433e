"""The ledger's own rules for its tables: keys, references, indexes behind them, and the few types that columns have (decision 37)."""

import flow
import psycopg
import pytest
from trust_benchmarks import catalogue
from trust_benchmarks.reference import known_collections
from trust_benchmarks.releases import pointers
from trust_benchmarks.stores import warehouse

TYPES = {  # of columns of core, and what each is for
    "text": "names, codes and sentences",
    "integer": "keys of releases, versions and small counts",
    "bigint": "counts of rows, and numbers that are given one a row",
    "double precision": "figures",
    "boolean": "yes or no",
    "date": "days",
    "timestamp with time zone": "moments",
    "text[]": "lists, never a text with separators",
    "bigint[]": "lists of numbers",
    "jsonb": "what has a shape of its own",
}
# A part of their key may be NULL: a unique key in which NULLs are equal takes the place of the primary key.
WITHOUT_PRIMARY_KEY = {"provider_name", "provider_rows", "succession"}
# Their collection is that of the submission that they refer to, or they are made of tables that refer to one.
COLLECTION_FOLLOWS = {"counting", "counting_log", "fingerprint", "fingerprint_change", "timeline"}
KEPT = {
    "collection",
    "decision_kind",
    "event_kind",
    "edition",
}  # never lose a row, so that nobody looks up who refers to one

pytestmark = pytest.mark.usefixtures("shared_world")
TABLES = (
    "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'core'::regnamespace AND c.relkind IN ('r', 'p')"
)
COLUMNS = f"""SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relnamespace = 'core'::regnamespace AND c.relname IN ({TABLES})"""
REFERENCES = """SELECT k.conrelid::regclass::text, k.confrelid::regclass::text, ARRAY(
    SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY n (number, place)
    JOIN pg_attribute a ON (a.attrelid, a.attnum) = (k.conrelid, n.number) ORDER BY n.place), k.conenforced AND k.convalidated
  FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'core'::regnamespace"""
FIRST_OF_INDEX = """SELECT i.indrelid::regclass::text, a.attname::text FROM pg_index i
  JOIN pg_attribute a ON (a.attrelid, a.attnum) = (i.indrelid, i.indkey[0]) WHERE i.indpred IS NULL"""


def references() -> list[tuple[str, str, list[str]]]:
    """(table, table that it refers to, columns), without the schema's name; all of them are enforced."""
    found = flow.rows(REFERENCES)
    assert all(enforced for *_, enforced in found)
    return [(table.removeprefix("core."), of.removeprefix("core."), columns) for table, of, columns, _ in found]


def test_every_table_has_a_primary_key():
    keyed = {
        table
        for (table,) in flow.rows(
            f"{TABLES} AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)"
        )
    }
    tables = {table for (table,) in flow.rows(TABLES)}
    assert len(tables) > 50
    assert tables - keyed == WITHOUT_PRIMARY_KEY
    unique = "SELECT indrelid::regclass::text FROM pg_index WHERE indisunique AND indnullsnotdistinct"
    assert {f"core.{table}" for table in WITHOUT_PRIMARY_KEY} <= {table for (table,) in flow.rows(unique)}


def test_columns_have_one_of_a_few_types():
    assert {(table, column, kind) for table, column, kind in flow.rows(COLUMNS) if kind not in TYPES} == set()


def test_a_release_is_referred_to_by_its_number_and_named_in_one_place():
    columns = flow.rows(COLUMNS)
    assert {table for table, column, _ in columns if column in ("release_id", "previous_release_id")} == {"release"}
    keys = {
        (table, column): kind
        for table, column, kind in columns
        if column.endswith("_key") and kind == "integer" and column != "contact_key"
    }
    known = {(table, column) for table, of, named in references() if of in ("release", "explained") for column in named}
    known.add(("release", "release_key"))
    assert len(keys) > 30 and keys.keys() <= known


def test_a_collection_is_one_that_the_ledger_knows():
    named = {table for table, column, _ in flow.rows(COLUMNS) if column == "collection"} - {"collection"}
    assert named - COLLECTION_FOLLOWS == {
        table for table, of, columns in references() if of in ("collection", "release") and "collection" in columns
    }
    assert set(flow.rows("SELECT collection, title, kind FROM core.collection WHERE collection <> 'made_up'")) == {
        (name, one.title, one.kind) for name, one in catalogue.all().items()
    }


def test_whatever_a_row_refers_to_can_be_asked_who_refers_to_it():
    indexed = {(table.removeprefix("core."), column) for table, column in flow.rows(FIRST_OF_INDEX)}
    missing = {
        (table, columns[0])
        for table, of, columns in references()
        if of not in KEPT and (table, columns[0]) not in indexed
    }
    assert missing == set()


@pytest.fixture(scope="module")
def two_releases(shared_world):
    with warehouse.connect() as connection:
        flow.know(connection, "made_up")
        connection.execute(
            """INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample, figures_hash)
               SELECT name, 'made_up', '2025-06', name, 'x', 'x', '{}', true, name FROM unnest(ARRAY['a', 'b']) AS n (name)"""
        )


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("INSERT INTO core.calendar (collection, period) VALUES ('none', '2025-06')", "calendar_collection_fkey"),
        ("INSERT INTO core.benchmark (release_key, metric_id, peer_group, providers, is_sample) VALUES (-1, 'M', 'n', 9, true)", "benchmark_release_key_fkey"),
        ("INSERT INTO core.movement (release_key, previous_release_key, metric_id, provider_code, step, cause) VALUES (core.key_of('a'), core.key_of('b'), 'M', 'P', 1, 'x')", "movement_release_key"),
        ("DELETE FROM core.collection", "are facts"),
    ],
)  # fmt: skip
def test_what_refers_to_nothing_is_refused(two_releases, statement, says):
    with pytest.raises(psycopg.Error, match=says), flow.as_owner() as connection:
        connection.execute(statement)


def test_a_pointer_stands_only_at_a_release_of_its_own_collection_and_period(two_releases):
    for pair, release_id, problem in (
        (("made_up", "2025-07"), "a", psycopg.errors.ForeignKeyViolation),
        (("workforce", "2025-06"), "a", psycopg.errors.ForeignKeyViolation),
        (("made_up", "2025-06"), "c", psycopg.errors.NotNullViolation),
    ):
        with pytest.raises(problem), warehouse.connect() as connection:
            pointers.move(connection, {pair: release_id})
    assert flow.rows("SELECT FROM core.current_release") == []


def test_a_collection_is_noted_once_and_its_title_follows_the_catalogue(monkeypatch):
    def noted() -> list[tuple]:
        with warehouse.connect() as connection:
            known_collections.note(connection)
        return flow.rows("SELECT title, xmin::text FROM core.collection WHERE collection = 'workforce'")

    ((title, written),) = noted()
    assert noted() == [(title, written)]
    one = catalogue.load("workforce")
    monkeypatch.setattr(catalogue, "all", lambda: {"workforce": one.__class__(**{**vars(one), "title": "Staff"})})
    assert [title for title, _ in noted()] == ["Staff"]
    monkeypatch.undo()
    assert noted()[0][0] == title
