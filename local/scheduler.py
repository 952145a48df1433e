"""Airflow's scheduler with the pipeline's libraries loaded beforehand: its executor forks a process a task, and gets them so.

Without this each task would spend more than a second on imports. Libraries are only loaded here, never used: what they
do not do before the fork (threads, connections) cannot break after it.
"""

import importlib
import sys

LOADED = (
    "ingest.receive",
    "records.process",
    "pipeline.publish",
    "pipeline.timeline",
    "pipeline.export",
    "methods.funnel",
    "methods.peers",
)


def main() -> None:
    for name in LOADED:
        importlib.import_module(f"trust_benchmarks.{name}")
    from airflow.__main__ import main as airflow

    sys.argv = ["airflow", "scheduler", *sys.argv[1:]]
    airflow()


if __name__ == "__main__":
    main()
