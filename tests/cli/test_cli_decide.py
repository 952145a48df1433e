"""`decide`, `approve`, `decisions`, `queue` and `workbook`: real decisions in a real warehouse, rights from a server on loopback."""

import csv
import io
import json
import os
import pty
import shlex
import socket
import threading
import time
from datetime import date, timedelta

import flow
import openpyxl
import pytest
import uvicorn
from fastapi import FastAPI, Header, HTTPException
from trust_benchmarks.cli import main
from trust_benchmarks_local import airflow
from trust_benchmarks_local.services import exported
from trust_benchmarks_local.state import State
from worlds import copy_of

PERIOD = "2025-06"
LATER = str(date.today() + timedelta(days=90))
RIGHTS = {"viewer": (False, False), "steward": (True, False), "approver": (True, True), "second": (True, True)}


class Door:
    """What the command asks of Airflow: a token, who one is, an event; as Airflow answers, from RIGHTS."""

    def __init__(self):
        self.events, self.runs = [], []
        app = FastAPI()

        def who(authorization: str = "") -> str:
            name = authorization.removeprefix("Bearer token-of-")
            if name not in RIGHTS:
                raise HTTPException(401)
            return name

        @app.post("/auth/token", status_code=201)
        def token(body: dict):
            if body["password"] != f"password of {body['username']}":
                raise HTTPException(401)
            return {"access_token": f"token-of-{body['username']}"}

        @app.get("/steward/me")
        def me(authorization: str = Header("")):
            name = who(authorization)
            return {"name": name, "may_act": RIGHTS[name][0], "may_approve": RIGHTS[name][1], "token": "x"}

        @app.get("/api/v2/assets")
        def assets(name_pattern: str, authorization: str = Header("")):
            who(authorization)
            return {"assets": [{"id": 3, "name": name_pattern + "_x"}, {"id": 7, "name": name_pattern}]}

        @app.post("/api/v2/assets/events")
        def event(body: dict, authorization: str = Header("")):
            if not RIGHTS[who(authorization)][1]:
                raise HTTPException(403)
            self.events.append((body["asset_id"], body["partition_key"]))
            return {}

        @app.post("/api/v2/dags/{dag_id}/dagRuns")
        def run(dag_id: str, body: dict, authorization: str = Header("")):
            if not RIGHTS[who(authorization)][0]:
                raise HTTPException(403)
            self.runs.append((dag_id, body["partition_key"]))
            return {}

        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listening]}, daemon=True)
        self.thread.start()
        give_up = time.monotonic() + 30
        while not self.server.started and time.monotonic() < give_up:
            time.sleep(0.05)

    def close(self):
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture(scope="module")
def door():
    door = Door()
    yield door
    door.close()


def too_many(rows):
    """More whole-time equivalents than heads, which holds a return of ten rows."""
    rows[2]["fte"] = "500"


@pytest.fixture(scope="module")
def released(shared_world):
    """Three trusts, released; the return of RA9 is held."""
    for ods in flow.TRUSTS[:3]:
        flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD, change=too_many if ods == "RA9" else list))
    flow.take_in()
    flow.release()
    return shared_world


@pytest.fixture
def month(released, door):
    """A copy of that for one test. Nothing has been announced."""
    door.events.clear(), door.runs.clear()
    with copy_of(released) as world:
        yield world


@pytest.fixture(scope="module")
def held(released) -> str:
    return flow.value("SELECT submission_id FROM intake.submissions WHERE sender = 'RA9'")


@pytest.fixture
def as_user(tb, month, door):
    """A function that runs the command as a user of Airflow."""

    def run(user, *arguments, **more):
        env = exported(month) | {"TB_AIRFLOW_URL": door.url, "TB_USER": user, "TB_USER_PASSWORD": f"password of {user}"}
        return tb(*arguments, env=env | more)

    return run


def listed(ran):
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_a_steward_decides_and_a_second_person_approves(as_user, held, door):
    accept = ("decide", "accept", held, "--reason", "They rang: it is right.")
    ran = as_user("steward", *accept)
    assert (ran.code, "add --yes" in ran.err) == (2, True), "nobody is there to ask"
    assert "held -> accepted" in ran.out.replace("\n", " ") and flow.value("SELECT count(*) FROM core.decision") == 0

    ran = as_user("steward", *accept, "--yes")
    assert ran.code == 0 and "is proposed" in ran.out and "trust-benchmarks approve" in ran.err
    (proposed,) = listed(as_user("steward", "decisions", "--state", "proposed", "-f", "json"))
    number = str(proposed["decision_id"])
    assert (proposed["kind"], proposed["author"], proposed["reason"]) == (
        "accept",
        "steward",
        "They rang: it is right.",
    )

    refused = {
        "steward": "cannot approve",
        "viewer": "cannot approve",
    }
    for user, says in refused.items():
        ran = as_user(user, "approve", number, "--yes")
        assert ran.code == 2 and says in ran.err
    assert not door.events and not door.runs
    ran = as_user("approver", "approve", number, "--yes", "--words", "fine")
    assert ran.code == 0 and "is in force" in ran.out and "Airflow is collecting workforce 2025-06" in ran.err
    assert door.events == [(7, PERIOD)]
    expected = flow.value("SELECT expected_release FROM core.decision")
    flow.take_in(), flow.release()
    assert flow.value("SELECT release_id FROM core.standing WHERE period = %s", [PERIOD]) == expected
    ran = as_user("second", "approve", number, "--yes")
    assert ran.code == 2 and "already in force" in ran.err


@pytest.fixture
def terminal():
    """A terminal's two ends: the person's and the command's."""
    ours, theirs = pty.openpty()
    with open(theirs) as stdin:
        yield ours, stdin
    os.close(ours)


def test_a_person_at_a_terminal_is_asked_after_the_preview(month, held, door, tb_process, terminal):
    person, stdin = terminal
    os.write(person, b"y\n")
    env = exported(month) | {"TB_AIRFLOW_URL": door.url, "TB_USER_PASSWORD": "password of steward"}
    ran = tb_process("decide", "accept", held, "--reason", "ok", "--user", "steward", env=env, stdin=stdin)
    assert f"Decide to accept {held}?" in ran.err and "what would change" in ran.out
    assert ran.code == 0, ran.err
    assert flow.value("SELECT count(*) FROM core.decision") == 1


def test_a_person_who_is_asked_may_say_no(as_user, held, terminal, monkeypatch):
    person, stdin = terminal
    os.write(person, b"n\n")
    monkeypatch.setattr("sys.stdin", stdin)
    ran = as_user("steward", "decide", "accept", held, "--reason", "ok")
    assert f"Decide to accept {held}?" in ran.err and "what would change" in ran.out
    assert ran.code == 2, ran.err
    assert flow.value("SELECT count(*) FROM core.decision") == 0


def test_nobody_approves_what_they_decided_whatever_they_may(as_user, held):
    as_user("approver", "decide", "accept", held, "--reason", "I say so.", "--yes")
    number = str(flow.value("SELECT max(decision_id) FROM core.decision"))
    for arguments in ((), ("--refuse",)):
        ran = as_user("approver", "approve", number, "--yes", *arguments)
        assert ran.code == 2 and "A second person must" in ran.err
    ran = as_user("second", "approve", number, "--refuse", "--words", "no", "--yes")
    assert ran.code == 0 and "is refused" in ran.out
    assert flow.value("SELECT state FROM intake.decisions") == "refused"


def test_who_may_not_and_who_is_not_known_changes_nothing(as_user, tb, month, held, door):
    comment = ("decide", "comment", held, "--reason", "hm")
    cases = [
        (as_user("viewer", *comment), "can read the desk but cannot make decisions"),
        (as_user("steward", *comment, TB_USER_PASSWORD="wrong"), "does not accept steward with this password"),
        (as_user("", *comment), "Give your Airflow user name"),
        (as_user("steward", *comment, TB_AIRFLOW_URL="http://127.0.0.1:9"), "does not respond"),
        (as_user("steward", *comment, TB_AIRFLOW_URL="http://example.org"), "begins with https"),
        (as_user("steward", *comment, TB_AIRFLOW_URL=door.url + "/nowhere"), "no steward desk"),
    ]
    for ran, says in cases:
        assert ran.code == 2 and says in ran.err and len(ran.err.strip().splitlines()) == 1, (says, ran.err)
    assert flow.value("SELECT count(*) FROM core.decision") == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["accpt"], "is not a kind of decision"),
        (["accept", "--value", "3"], "'accept' does not use --value"),
        (["waive", "--rule", "WF-R1"], "also needs --until"),
        (["waive", "--rule", "WF-R1", "--until", "soon"], "is not a valid date"),
        (["waive", "--rule", "NOPE", "--until", LATER], "No open finding"),
        (["waive", "--rule", "WF-R1", "--line", "9", "--until", LATER], "No open finding"),
        (["waive", "--rule", "WF-R1", "--until", "2020-01-01"], "still to come"),
        (["correct", "--line", "4", "--column", "fte", "--value", "90"], "also needs --source"),
        (["undo"], "also needs --undo"),
        (["undo", "--undo", "77"], "There is no decision 77"),
        (["hold"], "cannot be decided on"),
    ],
)
def test_what_is_not_possible_is_said_in_a_sentence(as_user, held, arguments, says):
    kind, *options = arguments
    ran = as_user("steward", "decide", kind, held, "--reason", "because", "--yes", *options)
    assert ran.code == 2 and says in ran.err, ran.err
    assert flow.value("SELECT count(*) FROM core.decision") == 0


def test_a_reason_and_a_submission_are_needed(as_user, held):
    assert "A reason is missing" in as_user("steward", "decide", "accept", held, "--yes").err
    ran = as_user("steward", "decide", "accept", "nothing", "--reason", "x", "--yes")
    assert ran.code == 2 and "no submission 'nothing'" in ran.err


def test_cells_are_waived_corrected_and_the_decision_undone(as_user, held):
    found = listed(as_user("viewer", "findings", "--open", "--submission", held, "--rule", "WF-R1", "-f", "json"))
    (cell,) = found
    place = ("--line", str(cell["line"]), "--column", cell["column_name"])
    ran = as_user(
        "steward", "decide", "correct", held, *place, "--value", "100", "--source", "their e-mail", "--reason", "typing", "--yes"
    )  # fmt: skip
    assert ran.code == 0, ran.err
    number = flow.value("SELECT max(decision_id) FROM core.decision")
    ((cells, value),) = flow.rows("SELECT cells, new_value FROM core.decision")
    assert value == "100" and cells[0]["saw"] == "500" and cells[0]["line"] == cell["line"] and cells[0]["row_key"]
    ran = as_user("steward", "decide", "undo", held, "--undo", str(number), "--reason", "no", "--yes")
    assert (
        ran.code == 0
        and flow.value("SELECT state FROM intake.decisions WHERE decision_id = %s", [number]) == "withdrawn"
    )

    waive = ("decide", "waive", held, "--rule", "WF-R1", "--until", LATER, "--reason", "agreed", "--yes")
    assert as_user("steward", *waive, *place).code == 0
    number = flow.value("SELECT max(decision_id) FROM core.decision")
    assert as_user("approver", "approve", str(number), "--yes").code == 0
    flow.take_in()
    assert listed(as_user("viewer", "findings", "--open", "--submission", held, "--rule", "WF-R1", "-f", "json")) == []
    (passed,) = listed(as_user("viewer", "findings", "--submission", held, "--rule", "WF-R1", "-f", "json"))
    assert passed["decision_id"] == number


def test_a_return_holds_at_once_and_a_steward_starts_the_run(as_user, held, door):
    ran = as_user("steward", "decide", "return", held, "--reason", "Send it again, please.", "--yes")
    assert ran.code == 0 and "is in force" in ran.out and door.runs == [("collect_workforce", PERIOD)]


def test_tasks_are_queued_and_taken(as_user, held):
    tasks = listed(as_user("viewer", "queue", "--severity", "reject", "-f", "json"))
    assert {task["sender"] for task in tasks} == {"RA9"} and all(task["assignee"] is None for task in tasks)
    ran = as_user(
        "steward",
        "decide",
        "assign",
        held,
        "--assignee",
        "sam",
        "--reason",
        "yours",
        "--rule",
        "WF-R1",
        "--column",
        "fte",
    )
    assert ran.code == 0, ran.err
    (mine,) = csv.DictReader(io.StringIO(as_user("viewer", "queue", "--assignee", "sam", "-f", "csv").out))
    assert (mine["rule_id"], mine["column_name"]) == ("WF-R1", "fte")
    assert "is not a severity" in as_user("viewer", "queue", "--severity", "info").err
    assert "is not a state" in as_user("viewer", "decisions", "--state", "open").err


def test_the_workbook_is_written(as_user, held, tmp_path):
    path = tmp_path / "back.xlsx"
    ran = as_user("viewer", "workbook", held, "--output", str(path))
    assert (ran.code, ran.out) == (0, "") and str(path) in ran.err
    assert openpyxl.load_workbook(path).sheetnames
    for arguments, says in (
        ((held, "--output", str(tmp_path)), "is a folder"),
        ((held, "--output", str(tmp_path / "no" / "x.xlsx")), "cannot be written"),
        (("nothing", "--output", str(path)), "There is no submission"),
    ):
        ran = as_user("viewer", "workbook", *arguments)
        assert ran.code == 2 and says in ran.err


def test_every_example_of_the_help_is_understood(as_user, held, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    callbacks = {command.callback.__name__: command.callback for command in main.app.registered_commands}
    lines = [
        line.strip() for name in ("decide", "approve", "workbook") for line in callbacks[name].__doc__.splitlines()
    ]
    examples = [line for line in lines if line.startswith("trust-benchmarks ")]
    assert len(examples) >= 7
    codes = []
    for example in examples:
        arguments = [held if word == "3f6c..." else word for word in shlex.split(example)[1:]]
        given = arguments + ([] if arguments[0] == "workbook" else ["--yes"])
        user = arguments[arguments.index("--user") + 1] if "--user" in arguments else "steward"
        ran = as_user(user, *given)
        assert "Usage" not in ran.err and "No such option" not in ran.err, ran.err
        codes.append(ran.code)
    assert codes.count(0) >= 2  # decision 12 is not there, nor is line 4 wrong in every return


def test_the_passwords_of_a_state_folder_serve_its_own_airflow_alone(tmp_path, monkeypatch):
    from trust_benchmarks.cli import Refused, desk

    monkeypatch.delenv("TB_USER_PASSWORD", raising=False)
    monkeypatch.delenv("TB_AIRFLOW_URL", raising=False)
    monkeypatch.setenv("TB_STATE", str(tmp_path / "state"))
    with pytest.raises(Refused, match="Run `make run` first"):
        desk._airflow()
    state = State(tmp_path / "state").open()
    state.keep(TB_PORT_AIRFLOW="20001")
    url, settings = desk._airflow()
    assert url == "http://127.0.0.1:20001"
    passwords = {desk._password(name, settings) for name in airflow.USERS}
    assert len(passwords) == 4 and "" not in passwords
    monkeypatch.setenv("TB_AIRFLOW_URL", "https://airflow.example.org")
    assert desk._airflow() == ("https://airflow.example.org", {})
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(Refused, match="no password"):
        desk._password("steward", {})
