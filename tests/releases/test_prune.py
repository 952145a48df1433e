"""Releases that were never published go after 90 days, by one function of the database and in no other way."""

import flow
import psycopg
import pytest
from test_editions import put_release
from trust_benchmarks.releases import pointers
from trust_benchmarks.releases import prune as pruning
from trust_benchmarks.stores import warehouse
from trust_benchmarks.stores.refusals import Refused

TABLES = """SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'core' AND column_name = 'release_key'
            AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'core') ORDER BY 1"""


def age(*release_ids: str) -> None:
    """Makes releases look 100 days old."""
    with flow.as_owner() as connection:
        connection.execute("ALTER TABLE core.release DISABLE TRIGGER facts")
        connection.execute(
            "UPDATE core.release SET created_at = now() - interval '100 days' WHERE release_id = ANY(%s)",
            [list(release_ids)],
        )
        connection.execute("ALTER TABLE core.release ENABLE TRIGGER facts")


def prune(days: int = 90) -> list[str]:
    with warehouse.connect() as connection:
        return pruning.prune(connection, days)


def there() -> set[str]:
    return {release_id for (release_id,) in flow.rows("SELECT release_id FROM core.release")}


def test_only_releases_that_nobody_needs_go(world):
    names = {"old", "young", "current", "was_current", "held_back", "spoken_about", "stood_against"}
    with warehouse.connect() as connection:
        for name in names:
            put_release(connection, name, {"WF01": [1.0, 2.0]}, lists=[("ix", 2)], total=(1, 1, 0, 0))
        for name, passed in (("held_back", False), ("old", True)):
            connection.execute(
                """INSERT INTO core.release_check (release_key, against_key, check_id, subject, passed, message)
                   VALUES (core.key_of(%s), core.key_of(%s), 'moved', '', %s, 'x')""",
                [name, "stood_against" if name == "held_back" else None, passed],
            )
        connection.execute(
            """INSERT INTO core.release_verdict (release_key, verdict, person, reason)
               VALUES (core.key_of('spoken_about'), 'withdrawn', 'ben', 'x')"""
        )
    for name in ("was_current", "current"):
        with warehouse.connect() as connection:
            pointers.move(connection, {("made_up", "2025-06"): name})
    age(*names - {"young"})
    before, key = flow.value("SELECT count(*) FROM core.measure"), flow.value("SELECT core.key_of('old')")
    assert prune(365) == [] and prune() == ["old"] and prune() == []
    assert there() == names - {"old"} and flow.value("SELECT count(*) FROM core.measure") == before - 2
    for (table,) in flow.rows(TABLES):
        assert flow.value(f"SELECT count(*) FROM core.{table} WHERE release_key = %s", [key]) == 0, table
    with pytest.raises(Refused, match="kept for 7 days at least"):
        prune(6)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM core.measure", "DELETE FROM core.release", "SET ROLE release_pruner"]
)
def test_there_is_no_other_way(world, statement):
    with warehouse.connect() as connection:
        put_release(connection, "old", {"WF01": [1.0]})
    with pytest.raises(psycopg.Error, match=r"are facts|permission denied"), warehouse.connect() as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("role", "variable"), [("dashboard_reader", "TB_READER_PASSWORD"), ("steward_desk", "TB_DESK_PASSWORD")]
)
def test_readers_and_the_desk_delete_nothing(world, role, variable):
    with flow.connect_as(role, variable) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT core.prune_releases(90)")
