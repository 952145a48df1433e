"""A warehouse is brought to a later version while people read it and the pipeline writes: nobody gets an error, and nothing is lost."""

import hashlib
import itertools
import threading
import time

import flow
import psycopg
import pytest
from trust_benchmarks import sql
from trust_benchmarks.stores import warehouse
from worlds import copy_of

TRUSTS = flow.TRUSTS[:4]
NAMED = (
    "SELECT metric_id, provider_code, value FROM published.measures",
    "SELECT count(*), sum(value) FROM published.measures WHERE period = '2025-05'",
    "SELECT metric_id, median FROM published.benchmarks",
    "SELECT metric_id, provider_code, value FROM published_v1.measures",
    "SELECT * FROM published_v1.measures",  # its columns never change
    "SELECT metric_id, provider_code, value FROM published.latest",
)
READERS = 10
COLUMNS = "SELECT array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns WHERE table_schema = %s AND table_name = 'measures'"


class Readers:
    """People who read in a loop until they are stopped; what went wrong, and how long each answer took."""

    def __init__(self):
        self.stop, self.errors, self.seconds = threading.Event(), [], []
        self.threads = [threading.Thread(target=self._read, args=(number,)) for number in range(READERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _read(self, number: int) -> None:
        try:
            with flow.connect_as("dashboard_reader", "TB_READER_PASSWORD") as connection:
                connection.autocommit = number % 2 == 0  # others read several views in one transaction
                for turn in itertools.count(number):
                    if self.stop.is_set():
                        return
                    began = time.monotonic()
                    connection.execute(NAMED[turn % len(NAMED)]).fetchall()
                    self.seconds.append(time.monotonic() - began)
                    if number % 2 and turn % 3 == 0:
                        connection.commit()
        except psycopg.Error as problem:
            self.errors.append(problem)


@pytest.fixture(scope="module")
def made(shared_world):
    """A warehouse of this version with published figures."""
    for ods in TRUSTS:
        flow.put_return(ods, "2025-05", flow.workforce(ods, "2025-05"))
    flow.take_in()
    flow.release()
    return shared_world


@pytest.fixture
def later(made, tmp_path, monkeypatch):
    """A copy of it, and a made-up next migration, which adds a column and shows it in a view."""
    with copy_of(made):
        _write_next(tmp_path, monkeypatch)
        yield


def _write_next(tmp_path, monkeypatch) -> None:
    shown = flow.value("SELECT pg_get_viewdef('published.measures'::regclass)").rstrip(" ;\n")
    folder = tmp_path / "sql" / "migrations"
    folder.mkdir(parents=True)
    for path in (sql.FOLDER / "migrations").glob("*.sql"):
        (folder / path.name).symlink_to(path)
    (folder / "99_made_up.sql").write_text(
        f"""-- The view first and then its tables, as readers take them.
LOCK TABLE published.measures IN ACCESS EXCLUSIVE MODE;
ALTER TABLE core.measure ADD COLUMN remark text;
CREATE OR REPLACE VIEW published.measures AS SELECT v.*, 'made up'::text AS remark FROM ({shown}) v;
COMMENT ON COLUMN published.measures.remark IS 'What is to be said of the figure.';
"""
    )
    monkeypatch.setattr(
        warehouse, "_migrations", lambda: [(path, path.read_text()) for path in sorted(folder.glob("*.sql"))]
    )


def everything() -> dict[str, list]:
    found = flow.snapshot("published", "published_v1", "intake")
    return {view: rows for view, rows in found.items() if view != "published.measures"} | {
        "measures": flow.rows("SELECT metric_id, provider_code, period, value FROM published.measures ORDER BY 1, 2, 3")
    }


@pytest.mark.usefixtures("later")
def test_ten_readers_notice_nothing_and_nothing_is_lost():
    before, columns = everything(), flow.value(COLUMNS, ["published_v1"])
    assert len(before["measures"]) > 100
    with flow.connect_as("steward_reader", "TB_STEWARD_PASSWORD") as slow, Readers() as readers, flow.logged() as lines:
        slow.execute(
            "SELECT count(*) FROM published.measures"
        )  # and goes on holding the view: the migration must wait for that
        ended = threading.Timer(3, slow.rollback)
        ended.start()
        assert warehouse.migrate() == ["99_made_up.sql"]
        ended.join()
        assert warehouse.migrate() == []
        time.sleep(0.5)
    assert readers.errors == []
    assert len(readers.seconds) > 5 * READERS
    assert max(readers.seconds) < 2.5, "a reader waited as long as the slow one took"
    assert [line["tries"] for line in lines if line["event"] == "migration_waits"]
    assert flow.differences(before, everything()) == {}
    assert flow.value(COLUMNS, ["published"])[-1] == "remark"
    assert flow.value(COLUMNS, ["published_v1"]) == columns
    assert set(flow.rows("SELECT remark FROM published.measures")) == {("made up",)}
    assert warehouse.migrations_missing() == []


@pytest.mark.usefixtures("later")
def test_the_pipeline_goes_on_meanwhile():
    for ods in TRUSTS:
        flow.put_return(ods, "2025-06", flow.workforce(ods, "2025-06"))
    done, failed = [], []

    def work():
        try:
            done.append(flow.take_in())
            flow.release()
        except Exception as problem:
            failed.append(problem)

    worker = threading.Thread(target=work)
    worker.start()
    assert warehouse.migrate() == ["99_made_up.sql"]
    worker.join()
    assert (failed, done) == ([], [{"received": 4, "again": 0, "accepted": 4}])
    assert (
        flow.value(
            "SELECT count(DISTINCT provider_code) FROM published.measures WHERE period = '2025-06' AND metric_id = 'WF01' AND value IS NOT NULL"
        )
        == 4
    )


@pytest.mark.usefixtures("later")
def test_a_migration_that_never_gets_its_turn_says_so_and_changes_nothing(monkeypatch):
    monkeypatch.setattr(warehouse, "PATIENCE", 1.5)
    with flow.connect_as("steward_reader", "TB_STEWARD_PASSWORD") as slow:
        slow.execute("SELECT count(*) FROM published.measures")
        with pytest.raises(RuntimeError, match=r"99_made_up\.sql was not applied"):
            warehouse.migrate()
    assert warehouse.migrations_missing() == ["99_made_up.sql"]
    assert "remark" not in flow.value(COLUMNS, ["published"])
    assert warehouse.migrate() == ["99_made_up.sql"]


def unlike(folder) -> list[str]:
    """Migrations that are not what released.txt says of them, and those that stand before one of a release without being in it."""
    lines = [line.split() for line in (folder / "released.txt").read_text().splitlines() if not line.startswith("#")]
    released = {name: sha256 for sha256, name in lines}
    now = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.sql")}
    changed = [name for name, sha256 in released.items() if now.get(name) != sha256]
    return sorted(changed + [name for name in now if name not in released and name < max(released, default="")])


def test_migrations_of_releases_have_not_changed(tmp_path):
    assert unlike(sql.FOLDER / "migrations") == []
    for name in ("01_a.sql", "03_c.sql"):
        (tmp_path / name).write_text(name)
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in ("01_a.sql", "03_c.sql")]
    (tmp_path / "released.txt").write_text(f"# words\n{digests[0]}  01_a.sql\n{digests[1]}  03_c.sql\n")
    assert unlike(tmp_path) == []
    (tmp_path / "04_d.sql").write_text("new")
    assert unlike(tmp_path) == []
    (tmp_path / "02_b.sql").write_text("between")
    (tmp_path / "01_a.sql").write_text("other")
    (tmp_path / "03_c.sql").unlink()
    assert unlike(tmp_path) == ["01_a.sql", "02_b.sql", "03_c.sql"]
