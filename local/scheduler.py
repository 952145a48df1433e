"""Airflow's scheduler with the pipeline's libraries loaded beforehand: its executor forks a process a task, and gets them so."""

import importlib
import sys

from trust_benchmarks.cli import preload


def main() -> None:
    """Load the rooms, then become `airflow scheduler` with the given arguments."""
    for name in preload.modules():
        importlib.import_module(name)
    from airflow.__main__ import main as airflow  # noqa: PLC0415 - after the rooms, as Airflow itself would load them

    sys.argv = ["airflow", "scheduler", *sys.argv[1:]]
    airflow()  # type: ignore[no-untyped-call]  # Airflow does not say


if __name__ == "__main__":
    main()
