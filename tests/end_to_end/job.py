"""Runs of the whole job as a person starts it: the supervisor as a process, real PostgreSQL, S3 and Airflow."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import flow
import psutil
from sizes import size
from worlds import environment

SMALL = {"TB_SAMPLE_PROVIDERS": str(size(36, 62)), "TB_SAMPLE_PERIODS": "3", "TB_SAMPLE_LINES": "20"}


class Job:
    """The job in one state folder."""

    def __init__(self, state: Path):
        self.state = state
        self.commands: set[str] = set()  # every command line that was seen on the machine while it ran to its end
        self.environment = os.environ | SMALL | {"TB_STATE": str(state), "PYTHONUNBUFFERED": "1"}

    def start(self, *arguments: str) -> subprocess.Popen:
        """Starts it; what it says goes to the process's stdout, and errors with it."""
        command = [sys.executable, "-m", "trust_benchmarks_local.run", *arguments]
        return subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def once(self, *arguments: str, timeout: int = 480) -> str:
        """Runs it to its end; returns what it said. Fails the test unless it ends well."""
        process = self.start("--once", *arguments)
        ended = threading.Event()
        watch = threading.Thread(target=self._note_commands, args=[ended])
        watch.start()
        try:
            said, _ = process.communicate(timeout=timeout)
        finally:
            ended.set()
            watch.join()
        assert process.returncode == 0, said
        return said

    def _note_commands(self, ended: threading.Event) -> None:
        """Looks at the machine's list of processes, as anybody on it can, until the job has ended."""
        while not ended.wait(0.5):
            for one in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.commands.add(one.read_bytes().replace(b"\0", b" ").decode(errors="replace"))

    def kill(self, process: subprocess.Popen) -> None:
        """Everything dies at once, as when the power goes: the supervisor and all that it started."""
        for one in [process.pid, *self.processes()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        process.wait()

    def processes(self) -> list[int]:
        """Processes that belong to this state folder."""
        found = []
        for one in psutil.process_iter(["pid", "cmdline", "environ"]):
            about = [*(one.info["cmdline"] or []), (one.info["environ"] or {}).get("TB_STATE", "")]
            if one.info["pid"] != os.getpid() and any(str(self.state) in word for word in about):
                found.append(one.info["pid"])
        return found

    def query(self, sql: str) -> list[tuple]:
        """Rows of the warehouse, whose services are started if need be."""
        return next(self.queries([sql]))

    def airflow(self, sql: str) -> list[tuple]:
        """Rows of Airflow's own database, whose server is started if need be."""
        import psycopg
        from trust_benchmarks_local import services

        with (
            services.running(self.state) as settings,
            psycopg.connect(settings["TB_AIRFLOW_DATABASE_URL"]) as connection,
        ):
            return connection.execute(sql).fetchall()

    def queries(self, statements: list[str]):
        """Rows of several statements, with the services started once."""
        import psycopg
        from trust_benchmarks_local import services

        with services.running(self.state) as settings, psycopg.connect(settings["TB_WAREHOUSE_URL"]) as connection:
            yield from [connection.execute(statement).fetchall() for statement in statements]

    def tables(self) -> dict[str, list[str]]:
        """Every row of every view, as `flow.snapshot` gives them."""
        from trust_benchmarks_local import services

        with services.running(self.state) as settings, environment(settings):
            return flow.snapshot()
