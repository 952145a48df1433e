"""The HTTP API of `make run`: a process of its own, with one key, which shows sample figures to everybody."""

import sys

from trust_benchmarks.api.readers import digest
from trust_benchmarks_local import airflow, processes
from trust_benchmarks_local.state import State


def start(state: State) -> processes.Child:
    """Starts it on a port that is free."""
    port = state.port("TB_PORT_API")
    return processes.start(
        "the HTTP API",
        [sys.executable, "-m", "trust_benchmarks.cli.main", "serve-api", "--port", str(port)],
        state.logs / "http-api.log",
        state.folder,
        environment=airflow.environment(state)
        | {"TB_API_KEYS": f"make-run:{digest(state.settings['TB_API_KEY'])}:commercial", "TB_API_PUBLIC_SAMPLES": "1"},
        patience=3.0,
    )


def address(state: State) -> str:
    """Where it is."""
    return f"http://127.0.0.1:{state.settings['TB_PORT_API']}/api/v1"
