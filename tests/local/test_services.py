"""PostgreSQL and the S3 server as they really start: with taken ports, after a kill, twice, and beside each other."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from botocore.exceptions import ClientError
from trust_benchmarks_local import Trouble, inbox, objects, postgres, processes, services
from trust_benchmarks_local.state import State

STAY = """
import sys, time
from trust_benchmarks_local import services
with services.running(sys.argv[1]):
    print("up", flush=True)
    time.sleep(120)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A state folder whose name has a space in it; nothing may be left running in it."""
    folder = tmp_path_factory.mktemp("state") / "of a run"
    yield folder
    left = [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in processes.marked(folder)]
    servers = postgres.servers(folder / "data" / "postgres")
    assert not left and not servers, f"left running: {left} {servers}"
    shutil.rmtree(folder)


@contextlib.contextmanager
def another_run(folder: Path):
    """A process that runs the services of this folder."""
    run = subprocess.Popen([sys.executable, "-c", STAY, folder], stdout=subprocess.PIPE, text=True)
    try:
        assert run.stdout.readline() == "up\n"
        yield run
    finally:
        run.send_signal(signal.SIGINT)
        run.wait(30)
        run.stdout.close()


def test_the_services_start_with_databases_buckets_and_passwords(folder):
    with services.running(folder) as settings:
        assert os.environ["TB_WAREHOUSE_URL"] == settings["TB_WAREHOUSE_URL"]
        with psycopg.connect(settings["TB_WAREHOUSE_OWNER_URL"]) as connection:
            connection.execute("CREATE TABLE public.kept AS SELECT 1 AS number")
            assert connection.execute("SELECT current_user::text, pg_postmaster_start_time() < now()").fetchone() == (
                "warehouse",
                True,
            )
            assert not connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()[0]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(settings["TB_WAREHOUSE_OWNER_URL"].replace(settings["TB_WAREHOUSE_PASSWORD"], "wrong"))
        with pytest.raises(psycopg.OperationalError):  # the warehouse's role has no business in Airflow's database
            psycopg.connect(settings["TB_WAREHOUSE_OWNER_URL"].replace("/warehouse", "/airflow"))
        s3 = objects.client(settings)
        assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} == {"inbox", "archive", "records", "exports"}
        s3.put_object(Bucket="archive", Key="once", Body=b"1", IfNoneMatch="*")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(Bucket="archive", Key="once", Body=b"2", IfNoneMatch="*")
        with pytest.raises(ClientError):
            objects.client({**settings, "TB_S3_SECRET": "wrong"}).list_buckets()
    assert "TB_WAREHOUSE_URL" not in os.environ or os.environ["TB_WAREHOUSE_URL"] != settings["TB_WAREHOUSE_URL"]


def _read_in_time(settings) -> bytes:
    """The object kept before; a busy machine's S3 server answers a while before it finds what it stored."""
    give_up = time.monotonic() + 60
    while True:
        try:
            return objects.client(settings).get_object(Bucket="archive", Key="once")["Body"].read()
        except ClientError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.5)


def test_a_second_start_continues_although_its_ports_are_taken(folder):
    before = State(folder).read()
    taken = [int(before[name]) for name in ("TB_PORT_POSTGRES", "TB_PORT_S3_PORT")]
    with contextlib.ExitStack() as held:
        for port in taken:
            held.enter_context(socket.create_server(("127.0.0.1", port)))
        with services.running(folder) as settings:
            assert int(settings["TB_PORT_POSTGRES"]) not in taken
            with psycopg.connect(settings["TB_WAREHOUSE_OWNER_URL"]) as connection:
                assert connection.execute("SELECT number FROM public.kept").fetchone() == (1,)
            assert _read_in_time(settings) == b"1"


def test_a_running_one_is_used_and_left_running(folder):
    with another_run(folder) as run:
        for _ in range(2):
            with (
                services.running(folder) as settings,
                psycopg.connect(settings["TB_WAREHOUSE_OWNER_URL"]) as connection,
            ):
                assert connection.execute("SELECT 1").fetchone() == (1,)
        assert run.poll() is None
        with pytest.raises(Trouble, match="Stop it with Ctrl-C"), State(folder).open().held("make run"):
            pass


def test_after_a_kill_nothing_outlives_the_run_and_the_next_one_starts(folder):
    with another_run(folder) as run:
        server = postgres.servers(folder / "data" / "postgres")[0]
        run.send_signal(signal.SIGKILL)
        run.wait()
        give_up = time.monotonic() + 15
        while postgres.servers(folder / "data" / "postgres") or list(processes.marked(folder)):
            assert time.monotonic() < give_up, "the services outlived the run that was killed"
            time.sleep(0.1)
    assert server
    with services.running(folder) as settings, psycopg.connect(settings["TB_WAREHOUSE_OWNER_URL"]) as connection:
        assert connection.execute("SELECT number FROM public.kept").fetchone() == (1,)


def test_a_server_that_was_killed_itself_starts_again_on_its_data(folder):
    with another_run(folder) as run:
        for pid in [*postgres.servers(folder / "data" / "postgres"), *processes.marked(folder), run.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run.wait()
    with services.running(folder) as settings, psycopg.connect(settings["TB_WAREHOUSE_OWNER_URL"]) as connection:
        assert connection.execute("SELECT number FROM public.kept").fetchone() == (1,)


def test_uploading_twice_sends_nothing_twice(folder, tmp_path):
    for name, content in (("a b.csv", b"1\n"), ("deep/c.csv", b"2\n")):
        path = tmp_path / "workforce" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    files, left_out = inbox.folder_files(tmp_path)
    assert [file.key for file in files] == ["workforce/a b.csv", "workforce/deep/c.csv"] and not left_out
    with services.running(folder) as settings:
        calls = []
        assert inbox.upload(settings, files, lambda: calls.append(1)) == 2
        assert inbox.upload(settings, files) == 0
        (tmp_path / "workforce" / "a b.csv").write_bytes(b"3\n")
        assert inbox.upload(settings, files) == 1
        assert len(calls) == 2
        assert objects.client(settings).get_object(Bucket="inbox", Key="workforce/a b.csv")["Body"].read() == b"3\n"
