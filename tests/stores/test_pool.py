"""The pool: a connection that is taken again is as a new one, also after a failure, a fork and a server that went away."""

import multiprocessing
import os

import flow
import psycopg
import pytest
from psycopg.rows import dict_row
from trust_benchmarks.stores import pool, settings, warehouse

PID = "SELECT pg_backend_pid()"


@pytest.fixture(autouse=True)
def _kept(world, monkeypatch):
    monkeypatch.setenv("TB_WAREHOUSE_POOL", "1")
    yield
    pool.close()


def pid() -> int:
    return flow.value(PID)


def test_a_connection_is_taken_again_and_each_role_has_its_own():
    assert pid() == pid()
    with warehouse.connect("dashboard_reader") as reader, warehouse.connect() as owner:
        assert reader.execute("SELECT current_user").fetchone() == ("dashboard_reader",)
        assert owner.execute("SELECT current_user").fetchone() == ("pipeline",)
        assert reader.execute("SHOW transaction_isolation").fetchone() == ("repeatable read",)


def test_what_one_left_behind_the_next_does_not_find():
    asked = "SELECT current_setting('search_path'), current_setting('statement_timeout'), current_user, to_regclass('pg_temp.left')"
    (before,) = flow.rows(asked)
    first = pid()
    with warehouse.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.row_factory = dict_row
        connection.execute('CREATE TEMP TABLE "left" (x int)')
        connection.execute("SET search_path = pg_temp; SET statement_timeout = '77s'")
        connection.execute("SELECT pg_advisory_lock(1)")
        for _ in range(8):  # after the fifth it is prepared
            connection.execute("SELECT %s::int", [1])
        connection.commit()
        connection.autocommit = True
    with warehouse.connect() as connection:
        assert connection.execute(PID).fetchone() == (first,)
        assert connection.execute(asked).fetchone() == before
        assert connection.execute("SHOW transaction_isolation").fetchone() == ("read committed",)
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert connection.execute(locks).fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
        assert not connection.autocommit
        for _ in range(8):
            assert connection.execute("SELECT %s::int", [2]).fetchone() == (2,)


def test_work_is_committed_at_the_end_and_rolled_back_if_it_raises():
    made = "INSERT INTO core.holiday (day, title) VALUES (%s, 'x')"
    with warehouse.connect() as connection:
        connection.execute(made, ["1900-01-01"])
    with pytest.raises(ValueError, match="no"), warehouse.connect() as connection:
        connection.execute(made, ["1900-01-02"])
        raise ValueError("no")
    with pytest.raises(psycopg.errors.UniqueViolation), warehouse.connect() as connection:
        connection.execute(made, ["1900-01-01"])
    assert flow.value("SELECT count(*) FROM core.holiday WHERE title = 'x'") == 1


@pytest.mark.parametrize("end", ["close", "terminate"])
def test_a_connection_that_ended_is_not_given_to_the_next(world, end):
    first = pid()
    with warehouse.connect() as connection:
        if end == "close":
            connection.close()
        else:
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
            connection.close()
    assert pid() != first


def test_a_connection_that_the_server_ended_meanwhile_is_replaced(world):
    first = pid()
    with psycopg.connect(settings.load().warehouse_url, autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s)", [first]).fetchone() == (True,)
    assert pid() != first


def _child(report) -> None:
    report.put((os.getpid(), pid()))


def test_a_forked_process_has_connections_of_its_own():
    first, fork = pid(), multiprocessing.get_context("fork")
    report = fork.SimpleQueue()
    children = [fork.Process(target=_child, args=(report,)) for _ in range(2)]
    for one in children:
        one.start()
    found = dict(report.get() for _ in children)
    for one in children:
        one.join()
    assert len({first, *found.values()}) == 3
    assert pid() == first  # the child's end ended nothing of ours


def test_more_connections_than_are_kept_may_be_open_at_once():
    with warehouse.connect() as one, warehouse.connect() as two, warehouse.connect() as three:
        assert len({connection.execute(PID).fetchone() for connection in (one, two, three)}) == 3


def test_none_is_kept_where_that_is_asked_for(monkeypatch):
    monkeypatch.setenv("TB_WAREHOUSE_POOL", "0")
    assert pid() != pid()


def test_a_server_that_cannot_be_reached_is_an_operational_error(monkeypatch):
    monkeypatch.setenv("TB_WAREHOUSE_URL", "postgresql://warehouse:x@127.0.0.1:1/warehouse")
    with pytest.raises(psycopg.OperationalError), warehouse.connect():
        pass


def test_lists_and_json_come_as_psycopg_reads_them():
    with warehouse.connect() as connection:
        found = connection.execute("""SELECT '{"a": [1]}'::jsonb, ARRAY['x'], 1.5::float8, now()""").fetchone()
    assert found[:3] == ({"a": [1]}, ["x"], 1.5) and found[3].tzinfo
