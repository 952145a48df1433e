"""Airflow's scheduler with the pipeline's libraries loaded beforehand: its executor forks a process a task, and gets them so.

Without this each task would spend more than a second on imports. Libraries are only loaded here, never used: what they
do not do before the fork (threads, connections) cannot break after it.
"""

import importlib
import pkgutil
import sys

import trust_benchmarks

# The rooms whose work tasks do.
ROOMS = ("ingest", "reading", "validation", "records", "measures", "releases", "timeline")


def main() -> None:
    """Load the rooms, then become `airflow scheduler` with the given arguments."""
    for room in ROOMS:
        package = importlib.import_module(f"{trust_benchmarks.__name__}.{room}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    from airflow.__main__ import main as airflow  # noqa: PLC0415 - after the rooms, as Airflow itself would load them

    sys.argv = ["airflow", "scheduler", *sys.argv[1:]]
    airflow()  # type: ignore[no-untyped-call]  # Airflow does not say


if __name__ == "__main__":
    main()
