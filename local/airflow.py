"""Airflow on one machine: its settings, its database, its four processes, and the few REST calls that a run makes."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import psycopg
from trust_benchmarks.cli.prepare import POOLS, USERS, write_passwords
from trust_benchmarks_local import Trouble, processes, services
from trust_benchmarks_local.state import CHECKOUT, State

USER = "admin"
TRIES = 5  # of a call that Airflow could not answer
# In the order in which they stop: first what starts work, last what the others talk to.
# Seconds to wait for one that was asked to stop. Only the scheduler has something to finish (tasks that run); what the others
# know is in Airflow's database.
PATIENCE = {"scheduler": 15.0}
COMPONENTS = {
    "scheduler": ("trust_benchmarks_local.scheduler", "--skip-serve-logs"),
    "triggerer": ("airflow", "triggerer", "--skip-serve-logs"),
    "dag-processor": ("airflow", "dag-processor"),
    "api-server": ("airflow", "api-server", "--apps", "all"),
}


# What of the environment of whoever starts it goes to Airflow: what the documents name as settings of the pipeline.
PASSED = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "HTTPS_PROXY",
    "TB_OFFLINE",
    "TB_FETCH_CONTACT",  # whether and how publishers are asked (docs/sources.md)
    "TB_FETCH_AGENT",
    "TB_FETCH_PAUSE",
    "TB_PEOPLE",  # who gets digests, and the mail server that sends them
    "AIRFLOW_CONN_SMTP_DEFAULT",
    "TB_ALERT_MAIL",  # who hears of a failure
    "TB_ALERT_NOTIFIERS",
    "TB_HEARTBEAT_URL",  # a monitor that misses what does not come
    "TB_BACKUP",
)
# And by their first letters: how long what is kept, and receivers of metrics, ours and Airflow's, and of lineage (docs/operate.md).
PASSED_ALL = ("TB_KEEP_", "OTEL_", "AIRFLOW__METRICS__", "OPENLINEAGE_")


def parallelism() -> int:
    """How many tasks at once: two a core, four at least, for most of them wait for a database or a store."""
    return min(16, max(4, 2 * (os.cpu_count() or 2)))


# Read by Airflow's web server: a banner on its first page as long as samples lie in the state folder.
BANNER = """from pathlib import Path

from airflow.api_fastapi.common.types import UIAlert

WORDS = "SAMPLE data: real trust codes, invented figures. Every table says so in its column is_sample."
DASHBOARD_UIALERTS = [UIAlert(text=WORDS, category="warning")] if Path({folder!r}).exists() else []
"""


def sample_folder(state: State) -> Path:
    """Where sample returns are made; it is there if they ever were."""
    return state.folder / "sample"


def environment(state: State) -> dict[str, str]:
    """What every Airflow process of this state folder gets: its own settings and the pipeline's, nothing of the user's."""
    kept = state.settings
    home = state.folder / "airflow"
    port = kept["TB_PORT_AIRFLOW"]
    database = kept["TB_AIRFLOW_DATABASE_URL"]
    settings = {
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": parallelism(),
        "CORE__DAGS_FOLDER": CHECKOUT / "dags",
        "CORE__PLUGINS_FOLDER": CHECKOUT / "plugins",
        "CORE__LOAD_EXAMPLES": False,
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "CORE__FERNET_KEY": kept["TB_AIRFLOW_FERNET_KEY"],
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, (role, _) in USERS.items()),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": home / "passwords.json",
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "CORE__HOSTNAME_CALLABLE": "airflow.utils.net.get_host_ip_address",
        "CORE__MAX_ACTIVE_TASKS_PER_DAG": parallelism(),
        "DATABASE__SQL_ALCHEMY_CONN": database.replace("postgresql://", "postgresql+psycopg2://"),
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": database.replace("postgresql://", "postgresql+asyncpg://"),
        "API__HOST": "127.0.0.1",
        "API__PORT": port,
        "API__BASE_URL": f"http://127.0.0.1:{port}",
        "API__SECRET_KEY": kept["TB_AIRFLOW_SECRET_KEY"],
        "API__INSTANCE_NAME": "Trust Benchmarks: SAMPLE data" if sample_folder(state).exists() else "Trust Benchmarks",
        "API__WORKERS": 1,
        "API_AUTH__JWT_SECRET": kept["TB_AIRFLOW_JWT_SECRET"],
        "API_AUTH__JWT_ISSUER": "trust-benchmarks",
        # A slot is free as soon as its task has ended, not up to five seconds later.
        "WORKERS__MIN_HEARTBEAT_INTERVAL": 1,
        "WORKERS__EXECUTION_API_TIMEOUT": 30,
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.3,
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 120,
        "SCHEDULER__ENABLE_HEALTH_CHECK": False,
        "DAG_PROCESSOR__REFRESH_INTERVAL": 60,
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 120,
        "DAG_PROCESSOR__PARSING_PROCESSES": 1,
        "DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": home / "bundles",
        "LOGGING__BASE_LOG_FOLDER": state.logs / "tasks",
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": state.logs / "dags",
        "LOGGING__COLORED_CONSOLE_LOG": False,
        "LOGGING__UVICORN_LOGGING_LEVEL": "WARNING",
    }
    ours = {f"AIRFLOW__{name}": str(value) for name, value in settings.items()}
    passed = {name: value for name, value in os.environ.items() if name in PASSED or name.startswith(PASSED_ALL)}
    room = os.environ.get("TB_ROOM_URL") or (
        f"http://127.0.0.1:{kept['TB_PORT_ROOM']}" if "TB_PORT_ROOM" in kept else ""
    )
    return {
        **passed,
        **services.of_the_pipeline(kept),
        **ours,
        "AIRFLOW_HOME": str(home),
        "HOME": str(home),  # some libraries write below it, and the user's own may be read-only
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "TB_ROOM_URL": room,  # where messages to trusts lead to
        "TB_STATE": str(state.folder),
        "TB_AIRFLOW_DATABASE_URL": str(settings["DATABASE__SQL_ALCHEMY_CONN"]),  # for the housekeeping
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        # Numerical libraries would start a thread a core in each of the tasks that run side by side.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def prepare(state: State) -> processes.Child | None:
    """Write the file of Airflow's passwords, and start its migration if this version has not migrated here yet."""
    home = state.folder / "airflow"
    home.mkdir(mode=0o700, exist_ok=True)
    state.port("TB_PORT_AIRFLOW")
    state.port("TB_PORT_ROOM")
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "airflow_local_settings.py").write_text(BANNER.format(folder=str(sample_folder(state))))
    write_passwords(home / "passwords.json", state.settings)
    if state.settings.get("TB_AIRFLOW_MIGRATED") == version("apache-airflow-core"):
        _forget_dead_jobs(state)
        return None
    return processes.start(
        "Airflow's migration",
        [_python(), "-m", "airflow", "db", "migrate"],
        state.logs / "airflow-migrate.log",
        state.folder,
        environment=environment(state),
    )


def migrated(state: State, migration: processes.Child | None, check: Callable[[], None]) -> None:
    """Wait for the migration that `prepare` started, as long as `check` raises nothing."""
    if migration is None:
        return
    give_up = time.monotonic() + 1800
    while migration.alive() and time.monotonic() < give_up:
        check()
        time.sleep(0.2)
    if migration.process.poll() != 0:
        raise Trouble(f"Airflow's database could not be migrated: {migration.last_words()}. Its log: {migration.log}")
    state.keep(TB_AIRFLOW_MIGRATED=version("apache-airflow-core"))


def _forget_dead_jobs(state: State) -> None:
    """Say in Airflow's database that an earlier run's processes are dead (they are: we hold the folder).

    Otherwise its scheduler would wait minutes for their heartbeats before it takes their tasks over.
    """
    with psycopg.connect(state.settings["TB_AIRFLOW_DATABASE_URL"]) as connection:
        connection.execute("UPDATE job SET state = 'failed', end_date = now() WHERE state = 'running'")


def start(state: State) -> list[processes.Child]:
    """Start the four processes; they are in the order in which they are to be stopped."""
    started = {}
    try:
        for name, command in reversed(COMPONENTS.items()):
            started[name] = processes.start(
                f"Airflow's {name}",
                [_python(), "-m", *command],
                state.logs / f"airflow-{name}.log",
                state.folder,
                environment=environment(state),
                patience=PATIENCE.get(name, 2.0),
            )
    except BaseException:
        for child in reversed(started.values()):
            child.stop()
        raise
    return [started[name] for name in COMPONENTS]


def stop(children: list[processes.Child]) -> None:
    """Stop them in order; those that may stop together do."""
    for child in children[:-1]:
        child.ask()
    for child in children:
        child.stop()


def _python() -> str:
    return sys.executable


class Unanswered(Trouble):
    """Airflow could not answer; it may the next time."""


class Rest:
    """Airflow's REST API, as the run's own user. Answers are the JSON that it sends; Trouble when it refuses."""

    def __init__(self, state: State, check: Callable[[], None] = lambda: None) -> None:
        """Args:
        state: of the run whose Airflow it is.
        check: called before a call is tried again; raises what is behind it that Airflow does not answer.
        """
        self.check = check
        self.url = f"http://127.0.0.1:{state.settings['TB_PORT_AIRFLOW']}"
        self.password = state.settings["TB_AIRFLOW_PASSWORD"]
        self.http = httpx.Client(base_url=self.url, timeout=10, trust_env=False)
        self.token_until = 0.0

    def call(self, method: str, path: str, fine: tuple[int, ...] = (), **arguments: Any) -> Any:
        """One call, tried again where it could not be answered; statuses in `fine` count as success and give {}.

        Every call may come twice: what it makes has a name.
        """
        for _ in range(TRIES - 1):
            with contextlib.suppress(Unanswered):
                return self._call(method, path, fine, **arguments)
            self.check()
            time.sleep(1)
        return self._call(method, path, fine, **arguments)

    def _call(self, method: str, path: str, fine: tuple[int, ...] = (), **arguments: Any) -> Any:
        try:
            if time.monotonic() > self.token_until:
                answer = self.http.post("/auth/token", json={"username": USER, "password": self.password})
                answer.raise_for_status()
                self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
                self.token_until = time.monotonic() + 3600
            answer = self.http.request(method, f"/api/v2{path}", **arguments)
        except httpx.HTTPError as problem:
            raise Unanswered(f"Airflow's API server at {self.url} does not answer ({problem}).") from problem
        if answer.status_code in fine:
            return {}
        if answer.status_code >= 400:
            raise (Unanswered if answer.status_code >= 500 else Trouble)(
                f"Airflow refused {method} {path}: {answer.status_code} {answer.text[:300]}"
            )
        return answer.json() if answer.content else {}

    def healthy(self) -> list[str]:
        """The components that do not run yet."""
        try:
            health = self.http.get("/api/v2/monitor/health").json()
        except (httpx.HTTPError, ValueError):
            return ["api-server"]
        return [
            name
            for name in ("metadatabase", "scheduler", "triggerer", "dag_processor")
            if (health.get(name) or {}).get("status") != "healthy"
        ]

    def dags(self) -> set[str]:
        """The ids of the DAGs that it knows."""
        return {dag["dag_id"] for dag in self.call("GET", "/dags", params={"limit": 100})["dags"]}

    def import_errors(self) -> list[dict[str, Any]]:
        """DAG files that cannot be read, and why."""
        return list(self.call("GET", "/importErrors", params={"limit": 10})["import_errors"])

    def warm_up(self) -> None:
        """Have the API server build what it builds at a task's and at the desk's first request, which takes it seconds."""
        with contextlib.suppress(httpx.HTTPError):
            self.http.patch("/execution/task-instances/00000000-0000-0000-0000-000000000000/run", json={}, timeout=120)
        with contextlib.suppress(httpx.HTTPError):
            self.http.get("/steward/me", timeout=120)

    def make_pools(self) -> None:
        """The pools that the DAGs name; those that exist keep the size that somebody gave them."""
        have = {pool["name"] for pool in self.call("GET", "/pools")["pools"]}
        for name, (slots, description) in POOLS.items():
            if name in have:
                continue
            body = {"name": name, "slots": slots, "description": description}
            self.call("POST", "/pools", fine=(409,), json=body)

    def trigger(self, dag_id: str, run_id: str, note: str) -> None:
        """Start a run; a run of that name that exists already is the same run."""
        body: dict[str, Any] = {"dag_run_id": run_id, "logical_date": None, "conf": {}, "note": note}
        self.call("POST", f"/dags/{dag_id}/dagRuns", fine=(409,), json=body)

    def runs(self, *states: str, since: datetime | None = None) -> list[dict[str, Any]]:
        """Runs in these states, newest first, at most 100."""
        query = {"state": list(states), "limit": 100, "order_by": "-run_after"}
        if since:
            query["run_after_gte"] = since.astimezone(UTC).isoformat()
        return list(self.call("GET", "/dags/~/dagRuns", params=query)["dag_runs"])

    def count(self, *states: str) -> int:
        """How many runs are in these states."""
        return int(self.call("GET", "/dags/~/dagRuns", params={"state": list(states), "limit": 1})["total_entries"])

    def failed_tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The failed tasks of a run, at most 20."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        return list(self.call("GET", path, params={"state": ["failed"], "limit": 20})["task_instances"])


def last_error(state: State, task: dict[str, Any]) -> tuple[str, Path]:
    """What a failed task's log says last about why, and where that log is."""
    folder = state.logs / "tasks" / f"dag_id={task['dag_id']}" / f"run_id={task['dag_run_id']}"
    folder = folder / f"task_id={task['task_id']}"
    if task.get("map_index", -1) >= 0:
        folder = folder / f"map_index={task['map_index']}"
    logs = sorted(folder.glob("attempt=*.log"), key=lambda log: log.stat().st_mtime)
    if not logs:
        return "it left no log", folder
    words = ""
    for line in logs[-1].read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        details = entry.get("error_detail") or []
        if details:
            words = f"{details[0].get('exc_type', '')}: {details[0].get('exc_value', '')}"
        elif entry.get("level") in ("error", "critical"):
            words = str(entry.get("event", ""))
    return words or processes.last_line(logs[-1]), logs[-1]
