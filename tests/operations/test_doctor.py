"""`doctor` says that every check passed, and of each that failed what it found, what to do and which runbook."""

import contextlib
import json
import os
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import flow
import pytest
from trust_benchmarks.ingest import receive
from trust_benchmarks.operations import backup, doctor
from trust_benchmarks.releases import build
from trust_benchmarks.stores import warehouse

RUNBOOKS = Path(__file__).resolve().parents[2] / "docs" / "runbooks"


@pytest.fixture
def airflow():
    """Airflow's answer about its health, from a server on loopback; what it says can be changed."""
    healthy = {"status": "healthy"}
    said = {
        "metadatabase": healthy,
        "scheduler": healthy | {"latest_scheduler_heartbeat": "2026-07-01T09:00:00+00:00"},
        "dag_processor": healthy,
        "triggerer": healthy,
    }

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/api/v2/monitor/health"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server, contextlib.ExitStack() as stack:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        yield f"http://127.0.0.1:{server.server_port}", said


@pytest.fixture
def sound(world, tmp_path, monkeypatch, airflow):
    """An installation in which every check passes."""
    monkeypatch.setenv("TB_AIRFLOW_URL", airflow[0])
    monkeypatch.setenv("TB_BACKUP", str(tmp_path / "backups"))
    monkeypatch.setattr(doctor, "FREE", 0.0)  # whatever this machine's disk has
    flow.put_return("RA9", "2025-05", flow.workforce("RA9", "2025-05"))
    flow.take_in()
    flow.release()
    backup.back_up(tmp_path / "backups")
    return airflow[1]


def failed(run) -> dict[str, dict]:
    """The checks that failed, by what they are about; each names a runbook that is there, and that says the words."""
    ran = run("doctor", "--format", "json")
    found = {one["about"]: one for one in json.loads(ran.out) if not one["ok"]}
    assert ran.code == (1 if found else 0)
    for one in found.values():
        assert one["do"].endswith(".") and one["about"] in (RUNBOOKS / one["runbook"]).read_text(), one
    return found


def test_every_check_passes(sound, run, monkeypatch):
    ran = run("doctor")
    assert (ran.code, "checks passed." in ran.out and "FAIL" not in ran.out) == (0, True), ran.out
    assert failed(run) == {}
    for word in (
        "PostgreSQL 1",
        "all buckets",
        "last heartbeat",
        "none is held back",
        "0 files wait",
        "the last one is of",
    ):
        assert word in ran.out, word

    # A pipeline that connects as the owner is named.
    monkeypatch.setenv("TB_WAREHOUSE_URL", os.environ["TB_WAREHOUSE_OWNER_URL"])
    found = failed(run)
    assert found.keys() == {"roles"} and "warehouse could change or remove facts in" in found["roles"]["says"]


def test_each_check_that_failed_is_named_with_what_to_do(sound, run, monkeypatch, tmp_path):
    flow.put_return("RNU", "2025-06", flow.workforce("RNU", "2025-06"))
    flow.take_in()
    flow.put_return("RT5", "2025-05", flow.workforce("RT5", "2025-05"))
    receive.receive()
    made = build.make("workforce", "2025-06").release_id
    with flow.as_owner() as connection:
        connection.execute("ALTER TABLE core.submission DISABLE TRIGGER facts")
        connection.execute("UPDATE core.submission SET registered_at = now() - interval '3 hours' WHERE sender = 'RT5'")
        connection.execute("ALTER TABLE core.submission ENABLE TRIGGER facts")
        connection.execute(
            "INSERT INTO core.expected (collection, period, sender, due) VALUES ('estates', '2019-20', 'RA9', now() - interval '3 days')"
        )
        connection.execute(
            "INSERT INTO core.release_check (release_key, check_id, subject, passed, message) "
            "SELECT release_key, 'moved', 'WF01', false, 'WF01 moved too far.' FROM core.release WHERE release_id = %s",
            [made],
        )
        connection.execute(
            """WITH made AS (INSERT INTO core.message (kind, about, mail, subject, body_text, body_html, not_before)
                 SELECT 'held', n::text, 'ann@example.org', 'x', 'x', 'x', now() - interval '2 days' FROM generate_series(1, 3) n RETURNING message_key)
               SELECT count(*) FROM made"""
        )
        connection.execute(
            "INSERT INTO core.message_attempt (message_key, number, outcome) SELECT min(message_key), 1, 'given_up' FROM core.message"
        )
    sound["scheduler"] = {"status": "unhealthy", "latest_scheduler_heartbeat": "2026-07-01T09:00:00+00:00"}
    monkeypatch.setattr(doctor, "BACKUP_AGE", timedelta(0))
    monkeypatch.setattr(doctor, "FREE", 1.1)
    found = failed(run)
    assert found.keys() == {"Airflow", "collections", "backlog", "messages", "releases", "backup", "space"}
    assert (
        "is not fully running: scheduler does not run" in found["Airflow"]["says"]
        and "estates 2019-20" in found["collections"]["says"]
    )
    assert found["messages"]["says"].startswith("1 were given up in the last 7 days, and 2 wait for a day or longer")
    assert found["backlog"]["says"].startswith("1 files wait") and made in found["releases"]["says"]
    monkeypatch.setenv("TB_BACKUP", str(tmp_path / "none"))
    assert "holds none" in failed(run)["backup"]["says"]
    monkeypatch.delenv("TB_BACKUP")
    assert "TB_BACKUP" in failed(run)["backup"]["says"]


DECIDE = "INSERT INTO core.decision ({}kind, author, submission_id, reason) SELECT {}'comment', 'amy', submission_id, %s FROM intake.submissions"
DECIDED = DECIDE.format("", "")
PUT_IN = DECIDE.format("decision_key, second_person, ", "'x', false, ").replace("%s", "'Four.'")
CHANGES = {
    "UPDATE core.decision SET reason = 'Else.' WHERE decision_id = {1}": "entry 2 (decision {1}) does not fit: its row is not as it was noted",
    "UPDATE core.decision SET decided_at = decided_at - interval '1 second' WHERE decision_id = {0}": "entry 1 (decision {0}) does not fit",
    "UPDATE core.audit SET hash = core.audit_hash('', 'decision', 'x') WHERE place = 1": "entry 1 (decision {0}) does not fit",
    "DELETE FROM core.decision WHERE decision_id = {2}": "entry 3 (decision {2}) does not fit: its row is gone",
    "DELETE FROM core.audit WHERE place = 2": "entry 3 (decision {2}) does not fit: the entry before it is gone",
    PUT_IN: "has no entry: it was put in without being noted",
}
ANEW = """DO $$ DECLARE one record; previous text := ''; BEGIN
  FOR one IN SELECT * FROM core.audited ORDER BY since LOOP
    previous := core.audit_hash(previous, one.of_table, one.content);
    INSERT INTO core.audit SELECT coalesce(max(place), 0) + 1, one.of_table, one.row_key, previous FROM core.audit;
  END LOOP; END $$"""


@pytest.fixture
def decided(sound) -> list[int]:
    """Three comments at the same time, after a preview that tried one: their numbers in the order of the audit."""
    started = threading.Barrier(3)

    def decide(words: str) -> None:
        with flow.as_desk() as connection:
            connection.execute("SELECT 1")
            started.wait(20)
            connection.execute(DECIDED, [words])

    with warehouse.connect() as preview:  # it leaves nothing
        preview.execute(DECIDED.replace("intake.submissions", "core.submission"), ["Tried."])
        threads = [threading.Thread(target=decide, args=[f"Words {n}."]) for n in range(3)]
        preview.rollback()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert flow.rows("SELECT array_agg(place ORDER BY place) FROM core.audit") == [([1, 2, 3],)]
    return [int(key) for (key,) in flow.rows("SELECT row_key FROM core.audit ORDER BY place")]


def unguarded(connection) -> None:
    """Switches the guards off, as the owner can who means to change the record."""
    for table in ("decision", "audit"):
        connection.execute(f"ALTER TABLE core.{table} DISABLE TRIGGER USER")


def test_a_decision_that_was_changed_taken_away_or_put_in_is_named(decided, run, monkeypatch):
    assert "3 decisions and verdicts are as they were noted" in run("doctor").out
    for change, says in CHANGES.items():
        with flow.as_owner() as connection, monkeypatch.context() as patch:
            unguarded(connection)
            connection.execute(change.format(*decided))
            patch.setattr(doctor, "_rows", lambda *asked, into=connection: into.execute(*asked).fetchall())
            (found,) = doctor._audit(None)
            assert not found.ok and says.format(*decided) in found.says, (change, found)
            connection.rollback()
    with flow.as_owner() as connection:
        unguarded(connection)
        connection.execute(next(iter(CHANGES)).format(*decided))
    assert failed(run)["audit"]["says"].startswith("entry 2 ")


def test_whoever_writes_the_whole_audit_anew_is_found_by_the_last_backup(decided, run, tmp_path):
    backup.back_up(tmp_path / "backups")
    assert failed(run) == {}
    with flow.as_owner() as connection:
        unguarded(connection)
        connection.execute("DELETE FROM core.audit")
        connection.execute("UPDATE core.decision SET reason = 'Else.' WHERE decision_id = %s", [decided[1]])
        connection.execute(ANEW)
    assert "entry 3 is not the one that the last backup has" in failed(run)["audit"]["says"]


def test_a_store_that_is_down_keeps_nothing_else_from_being_looked_at(sound, run, monkeypatch):
    monkeypatch.setenv("TB_AIRFLOW_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("TB_WAREHOUSE_URL", "postgresql://warehouse:secret-of-ours@127.0.0.1:9/warehouse")
    found = failed(run)
    assert found.keys() == {"warehouse", "Airflow"} and "secret-of-ours" not in str(found)
    monkeypatch.setenv("TB_BUCKET_EXPORTS", "no-such-bucket")
    assert "no bucket no-such-bucket" in failed(run)["object store"]["says"]


def test_a_migration_that_is_missing_is_named(sound, run):
    with flow.as_owner() as connection:
        connection.execute("UPDATE public.migration SET sha256 = 'x' WHERE name = '01_basis.sql'")
    assert "01_basis.sql" in failed(run)["migrations"]["says"]


def test_a_source_that_needs_a_person_is_named(sound, run):
    with warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.source_look (look_id, collection, source, began_at, outcome, said, offered, fetched, reached) VALUES "
            "('x', 'workforce', 'page', now(), 'page_changed', 'No link fits.', 0, 0, true)"
        )
    assert "No link fits." in failed(run)["sources"]["says"]


def test_a_warehouse_of_the_version_before_is_named_and_keeps_nothing_else_from_being_checked(sound, run):
    with flow.as_owner() as connection:
        connection.execute("DROP VIEW intake.sources CASCADE")
        connection.execute("DELETE FROM public.migration WHERE name = '14_sources.sql'")
    assert failed(run).keys() == {"migrations"}
    ran = run("doctor")
    assert ran.code == 1 and "FAIL  migrations: 1 are missing" in ran.out and "checks failed." in ran.out
    for about in ("warehouse", "object store", "Airflow", "backup", "space"):
        assert f"OK    {about}: " in ran.out, about


def test_a_cache_that_is_not_configured_is_named(sound, monkeypatch):
    monkeypatch.delenv("TB_CACHE")
    found = {one.about: one for one in doctor.examine()}
    assert "TB_CACHE is not set" in found["space"].says and not found["space"].ok and not found["warehouse"].ok
