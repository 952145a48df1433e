"""Airflow's scheduler with the pipeline's libraries loaded beforehand: its executor forks a process a task, and gets them so.

Without this each task would spend more than a second on imports. Libraries are only loaded here, never used: what they
do not do before the fork (threads, connections) cannot break after it.
"""

import importlib
import sys

STAGES = ("receive", "process", "publish", "timeline")


def main() -> None:
    for stage in STAGES:
        importlib.import_module(f"trust_benchmarks.pipeline.{stage}")
    from airflow.__main__ import main as airflow

    sys.argv = ["airflow", "scheduler", *sys.argv[1:]]
    airflow()


if __name__ == "__main__":
    main()
