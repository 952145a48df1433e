"""The HTTP API of `make run`: a process of its own, with one key, which shows sample figures to everybody."""

import sys

from trust_benchmarks.api.readers import digest
from trust_benchmarks_local import airflow, postgres, processes
from trust_benchmarks_local.state import State


def start(state: State) -> processes.Child:
    """Starts it on a port that is free."""
    port = state.port("TB_PORT_API")
    return processes.start(
        "the HTTP API",
        [sys.executable, "-m", "trust_benchmarks.cli.main", "serve-api", "--port", str(port)],
        state.logs / "http-api.log",
        state.folder,
        environment=environment(state),
        patience=3.0,
    )


def environment(state: State) -> dict[str, str]:
    """What it needs and no more: it reads what is published, and has no business with files, decisions or Airflow."""
    whole = airflow.environment(state)
    database = state.settings["TB_WAREHOUSE_URL"].rpartition("/")[2]
    names = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR", "PYTHONUNBUFFERED", "TB_CACHE", "TB_READER_PASSWORD")
    return {name: whole[name] for name in names if name in whole} | {
        "TB_WAREHOUSE_URL": postgres.url(state, database, "dashboard_reader", "TB_READER_PASSWORD"),
        "TB_API_KEYS": f"make-run:{digest(state.settings['TB_API_KEY'])}:commercial",
        "TB_API_PUBLIC_SAMPLES": "1",
    }


def address(state: State) -> str:
    """Where it is."""
    return f"{front(state)}api/v1"


def front(state: State) -> str:
    """Where its front page is."""
    return f"http://127.0.0.1:{state.settings['TB_PORT_API']}/"
