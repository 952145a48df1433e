"""Runs a script of this folder in a process that Airflow is configured for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]


def airflow_environment(home: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }


def run(mark: str, script: str, *given: object, environment: dict[str, str], seconds: float = 120) -> Any:
    """What a script printed, as JSON, after the word `mark`."""
    done = subprocess.run(
        [sys.executable, HERE / script, *map(str, given)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith(f"{mark} ")]
    assert found, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(found[-1].removeprefix(f"{mark} "))
