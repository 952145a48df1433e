"""A run that ends by itself says which service or disk was behind it, and one that is killed leaves no process behind."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from botocore.exceptions import EndpointConnectionError
from trust_benchmarks_local import Trouble, airflow, disk, objects, postgres, processes, run
from trust_benchmarks_local.state import State

GB = 1 << 30
Usage = namedtuple("Usage", "total used free")

# A child that will not stop and has one of its own, in another session, that will not either: Airflow's DAG processor was like that.
TREE = """
import sys, time
from pathlib import Path
from trust_benchmarks_local import processes, watchman
folder = Path(sys.argv[1])
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
below = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]], start_new_session=True); "
watchman.start(folder, 1.0)
processes.start("stubborn", [sys.executable, "-c", stubborn + below + "time.sleep(60)", stubborn + "time.sleep(60)"], folder / "log", folder)
while len(list(processes.marked(folder))) < 2:
    time.sleep(0.05)
print("up", flush=True)
time.sleep(60)
"""


@pytest.fixture
def state(tmp_path) -> State:
    return State(tmp_path / "state").open()


@pytest.fixture
def ended(state):
    """A service whose last words are in its log, and one that runs."""
    words = [sys.executable, "-c", "print('FATAL:  could not write to file'); raise SystemExit(3)"]
    children = [
        processes.start("PostgreSQL", words, state.logs / "postgres.log", state.folder),
        processes.start("The S3 server", ["sleep", "60"], state.logs / "objects.log", state.folder),
    ]
    children[0].process.wait()
    yield children
    children[1].stop()


@pytest.mark.parametrize(
    "problem",
    [
        Trouble("Airflow refused GET /dags: 500 Internal Server Error"),
        psycopg.OperationalError("server closed the connection unexpectedly"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    ],
)
def test_the_service_that_ended_is_named_with_its_last_words(state, ended, problem):
    said = str(run._reason(state, ended, problem))
    assert said.startswith(
        "PostgreSQL ended by itself (3). Its last words: FATAL:  could not write to file. Its log:"
    ), said


def test_where_no_service_ended_the_problem_stays_and_is_a_sentence(state, ended, monkeypatch):
    monkeypatch.setattr(run, "SETTLES", 0.1)
    trouble = Trouble("Airflow refused GET /dags: 404")
    assert run._reason(state, ended[1:], trouble) is trouble
    assert str(run._reason(state, [], psycopg.OperationalError("too many clients\nmore"))).startswith(
        "PostgreSQL refused: too many clients. Its log:"
    )


def test_a_full_disk_is_named_whatever_else_broke(state, ended, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: Usage(GB, GB - 12_000_000, 12_000_000))
    said = run._reason(state, ended, Trouble("Airflow refused GET /dags: 500"))
    assert isinstance(said, disk.Full)
    assert "12 MB of 1.1 GB is free, and 67 MB is the least" in str(said) and "Make room" in str(said)


def test_a_killed_run_leaves_no_process_behind(tmp_path):
    killed = subprocess.Popen([sys.executable, "-c", TREE, tmp_path], stdout=subprocess.PIPE, text=True)
    assert killed.stdout.readline() == "up\n"
    left = list(processes.marked(tmp_path))
    killed.kill()
    killed.wait()
    killed.stdout.close()
    assert len(left) == 2
    give_up = time.monotonic() + 15
    while list(processes.marked(tmp_path)):
        assert time.monotonic() < give_up, "they lived on"
        time.sleep(0.05)


def test_airflow_is_waited_for_while_it_works_and_not_while_it_does_nothing():
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    idle = subprocess.Popen(["sleep", "60"])
    try:
        waits = {one.pid: run.Patience([one.pid], quiet=0.6, at_most=60) for one in (busy, idle)}
        over = dict.fromkeys(waits, False)
        give_up = time.monotonic() + 20
        while not over[idle.pid] and time.monotonic() < give_up:
            time.sleep(0.1)
            over = {pid: one.is_over("the same") for pid, one in waits.items()}
        assert over == {busy.pid: False, idle.pid: True}
        assert run.Patience([busy.pid], at_most=-1).is_over("the same")
    finally:
        for one in (busy, idle):
            one.kill()
            one.wait()


def test_patience_begins_anew_with_each_step():
    waits = run.Patience([], quiet=0.05)
    for step in range(4):
        time.sleep(0.03)
        assert not waits.is_over(step)
    time.sleep(0.06)
    assert waits.is_over(3)


def test_a_call_that_airflow_cannot_answer_is_tried_again_unless_something_is_behind_it(state, monkeypatch):
    answers = [500, 500, 200]

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answers.pop(0))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    asked = []
    monkeypatch.setattr(airflow.time, "sleep", asked.append)
    with HTTPServer(("127.0.0.1", 0), Answer) as server, contextlib.ExitStack() as stack:
        Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        state.keep(TB_PORT_AIRFLOW=str(server.server_port))
        rest = airflow.Rest(state)
        rest.token_until = time.monotonic() + 60
        assert rest.call("GET", "/dags") == {} and answers == [] and len(asked) == 2
        answers += [500]

        def ended() -> None:
            raise Trouble("PostgreSQL was killed by signal 9.")

        with pytest.raises(Trouble, match="PostgreSQL was killed"):
            rest.check = ended
            rest.call("GET", "/dags")
    assert answers == []


@pytest.mark.parametrize(
    ("total", "free", "volume", "log"), [(1, 0.9, 16, 64), (2, 1.9, 16, 128), (10, 9, 128, 640), (250, 65, 512, 2048)]
)
def test_what_the_servers_reserve_follows_from_the_disk(monkeypatch, tmp_path, total, free, volume, log):
    usage = Usage(total * GB, int((total - free) * GB), int(free * GB))
    monkeypatch.setattr(objects.shutil, "disk_usage", lambda folder: usage)
    assert (objects.volume_size(tmp_path), postgres.log_size(tmp_path)) == (volume, log)


# In a namespace of its own, where a small disk is mounted on the folder that the first argument names.
SMALL = "mount -t tmpfs -o size=$2 none $1 && exec $3 $4 $1"


def on_a_small_disk(folder: Path, size: str, script: str) -> subprocess.Popen:
    """Runs Python there; what it says is read from stdout."""
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "This machine permits no mounts, so there is no small disk."
        )
    folder.mkdir()
    (folder.parent / "script.py").write_text(script)
    environment = os.environ | {"TB_STATE": str(folder / "state"), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*unshare, "sh", "-euc", SMALL, "sh", folder, size, sys.executable, folder.parent / "script.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


STORES = """
import os, sys
from trust_benchmarks_local import objects, services
with services.running() as settings:
    s3 = objects.client(settings)
    for bucket in objects.BUCKETS.values():
        for number in range(5):
            s3.put_object(Bucket=bucket, Key=f"{number}", Body=os.urandom(1 << 20))
    print("stored", len([1 for b in objects.BUCKETS.values() for _ in s3.list_objects_v2(Bucket=b)["Contents"]]))
"""


def test_every_bucket_has_room_on_a_disk_of_one_gigabyte(tmp_path):
    said, _ = on_a_small_disk(tmp_path / "disk", "1g", STORES).communicate(timeout=120)
    assert said.splitlines()[-1] == "stored 20", said


ROOM = """
import subprocess, sys, threading, time
from trust_benchmarks_local import run, services
import trust_benchmarks_local.run as r

def roomy():
    time.sleep(1.5)
    subprocess.run(["mount", "-o", "remount,size=1g", sys.argv[1]], check=True)

began = time.monotonic()
assert r.main(["--once"]) == 1
print("ended with --once", time.monotonic() - began < 10)
threading.Thread(target=roomy).start()

def started(state):
    print("it goes on")
    raise KeyboardInterrupt

services.started = started
print("status", r.main([]))
"""


def test_a_full_disk_gives_a_sentence_and_the_run_goes_on_when_there_is_room(tmp_path):
    said, _ = on_a_small_disk(tmp_path / "disk", "40m", ROOM).communicate(timeout=60)
    lines = [line.split(" ", 2)[:2] for line in said.splitlines()]
    assert said.count("Not done: The disk of") == 2 and "Traceback" not in said, said
    assert "ended with --once True" in said and lines.index(["Waiting", "for"]) < lines.index(["it", "goes"]), said
    assert said.splitlines()[-1] == "status 130", said
