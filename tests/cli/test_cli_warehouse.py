"""`query`, `submissions` and `findings`: against a real warehouse, which they can read and never change."""

import csv
import io
import json
import shlex

import psycopg
import pytest
from trust_benchmarks.ingest import receive, waiting
from trust_benchmarks.records.validate_and_record import validate_and_record
from trust_benchmarks.stores import objects, settings


@pytest.fixture(scope="module")
def filled(shared_world, workforce_rows):
    """A warehouse with two returns: a sound one and one that is held."""
    good = "\n".join(",".join(row) for row in workforce_rows) + "\n"
    bad = good.replace("RY8", "RW1").replace("90.5", "=1+1", 1)
    for name, text in (("workforce_RY8_2025-06.csv", good), ("workforce_RW1_2025-06.csv", bad)):
        objects.put_once(settings.load().inbox, f"workforce/{name}", text.encode())
    receive.receive("workforce")
    for batch in waiting.batches("workforce", "2025-06"):
        validate_and_record(batch)
    return {name: shared_world[name] for name in ("TB_WAREHOUSE_URL", "TB_CACHE")}


def test_a_question_is_answered_in_three_forms(tb, tb_process, filled):
    asked = "SELECT 1 AS one, 0.1::float8 AS tenth, NULL AS none, date '2025-06-01' AS day, 1.10::numeric AS exact"
    ran = tb_process("query", asked, "--format", "json", env=filled)
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == [{"one": 1, "tenth": 0.1, "none": None, "day": "2025-06-01", "exact": 1.10}]
    assert tb("query", asked, "-f", "csv", env=filled).out == "one,tenth,none,day,exact\n1,0.1,,2025-06-01,1.10\n"
    assert "2025-06-01" in tb("query", asked, env=filled).out
    none = tb("query", "SELECT metric_id, value FROM published.measures WHERE false", "-f", "csv", env=filled)
    assert (none.code, none.out) == (0, "metric_id,value\n")
    assert json.loads(tb("query", "SELECT 1 WHERE false", "-f", "json", env=filled).out) == []


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("DROP TABLE core.metric", "Nothing can be changed"),
        ("WITH gone AS (DELETE FROM core.metric RETURNING *) SELECT * FROM gone", "Nothing can be changed"),
        ("DO $$ BEGIN DELETE FROM core.metric; END $$", "Nothing can be changed"),
        ("SELECT set_config('transaction_read_only', 'off', false)", "read-write"),
        ("SELECT 1; SELECT 2", "several statements"),
        ("COMMIT; DROP TABLE core.metric", "several statements"),
        ("COMMIT", "gives no rows"),
        ("SET TRANSACTION READ WRITE", "gives no rows"),
        ("COPY core.metric TO STDOUT", "gives no rows"),
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM nowhere", "no such table"),
        ("SELECT 1/0", "division by zero"),
        ("  ; ", "There is no statement"),
        ("SELECT pg_sleep(20)", "longer than 1 s"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(tb, filled, asked, says):
    ran = tb("query", asked, "--timeout", "1", env=filled)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err and len(ran.err.splitlines()) == 1
    with psycopg.connect(filled["TB_WAREHOUSE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM core.metric").fetchone()[0] > 50


def test_submissions_can_be_listed_and_chosen(tb, filled):
    everything = json.loads(tb("submissions", "--format", "json", env=filled).out)
    assert {(s["collection"], s["sender"], s["state"]) for s in everything} == {
        ("workforce", "RY8", "accepted"),
        ("workforce", "RW1", "held"),
    }
    held = list(csv.DictReader(io.StringIO(tb("submissions", "--state", "held", "-f", "csv", env=filled).out)))
    assert [s["sender"] for s in held] == ["RW1"]
    assert (
        "RY8"
        in tb("submissions", "--collection", "workforce", "--period", "2025-06", "--sender", "RY8", env=filled).out
    )
    assert json.loads(tb("submissions", "--period", "2024-01", "-f", "json", env=filled).out) == []


def test_findings_can_be_listed_and_chosen(tb, filled):
    found = json.loads(tb("findings", "--rule", "VAL-TYPE", "--format", "json", env=filled).out)
    assert [(f["sender"], f["line"], f["column_name"], f["raw_value"]) for f in found] == [("RW1", 2, "fte", "=1+1")]
    chosen = ["--submission", found[0]["submission_id"], "--severity", "reject", "--collection", "workforce"]
    rows = list(csv.DictReader(io.StringIO(tb("findings", *chosen, "-f", "csv", env=filled).out)))
    assert [r["raw_value"] for r in rows] == ["'=1+1"]
    assert len(json.loads(tb("findings", "--limit", "1", "-f", "json", env=filled).out)) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["submissions", "--state", "lost"], "Expected one of received, accepted"),
        (["findings", "--severity", "bad"], "Expected one of hold, reject"),
        (["findings", "--collection", "nope"], "There is no collection 'nope'"),
    ],
)
def test_wrong_choices_are_said(tb, filled, arguments, says):
    ran = tb(*arguments, env=filled)
    assert (ran.code, ran.out) == (2, "") and says in ran.err


def test_without_a_warehouse_the_next_step_is_said(tb, tmp_path):
    ran = tb("query", "SELECT 1", env={"TB_STATE": str(tmp_path / "none")})
    assert ran.code == 2 and "make run" in ran.err
    assert not (tmp_path / "none").exists()
    ran = tb("query", "SELECT 1", env={"TB_WAREHOUSE_URL": "postgresql://nobody@127.0.0.1:1/x"})
    assert ran.code == 2 and "does not answer" in ran.err


def test_the_embedded_warehouse_is_found_or_started(tb_process):
    """A state folder of its own: first with the services running, then with nothing running."""
    import tempfile
    from pathlib import Path

    from trust_benchmarks.stores import warehouse
    from trust_benchmarks_local.services import started
    from trust_benchmarks_local.state import State
    from worlds import environment

    with tempfile.TemporaryDirectory(prefix="trust-benchmarks-", ignore_cleanup_errors=True) as folder:
        state = State(Path(folder) / "state").open()
        asked = ["query", "SELECT current_database() AS name", "--format", "csv"]
        with started(state):
            with environment(state.settings):
                warehouse.migrate()
            running = tb_process(*asked, env={"TB_STATE": str(state.folder)})
        assert (running.code, running.out, running.err) == (0, "name\nwarehouse\n", "")
        alone = tb_process(*asked, env={"TB_STATE": str(state.folder)})
        assert (alone.code, alone.out) == (0, "name\nwarehouse\n")
        assert alone.err == "Starting the embedded warehouse ...\n"


def test_every_example_of_the_help_works(tb, filled, tmp_path, workforce_file, shared_data):
    """Each line is run as printed, except those that need other services, write to the checkout or decide (test_cli_decide.py, test_prune.py,
    test_cli_releases.py, test_cli_replay.py, and the folders operations, sources and api)."""
    from trust_benchmarks.cli import main, template

    source = next(shared_data.rglob("sickness_absence_2024-04.csv"))
    (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "return.xlsx").write_bytes(template.blank_xlsx("workforce"))
    workforce_file(name="return.csv")
    elsewhere = (
        "new_collection",
        "prune_releases",
        "dictionary",
        "prepare",
        "decide",
        "approve",
        "workbook",
        "release",
        "rollback",
        "revalidate",
        "replay",
        "fetch",
        "propose_reference",
        "serve_api",
        "serve_room",
        "backup",
        "restore",
        "heal",
        "doctor",
    )
    commands = [command for command in main.app.registered_commands if command.callback.__name__ not in elsewhere]
    lines = [line.strip() for c in commands for line in c.callback.__doc__.splitlines()]
    examples = [line.split(" > ")[0] for line in lines if line.startswith("trust-benchmarks ")]
    assert len(examples) >= 12
    for example in examples:
        ran = tb(*shlex.split(example)[1:], env=filled, cwd=tmp_path)
        assert ran.code == (1 if "return.xlsx" in example else 0), (example, ran.err)
