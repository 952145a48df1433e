"""Parses the DAG folder in a process of its own and prints what was found as JSON (run by test_dags.py)."""

import json
import sys
import time
from pathlib import Path

import airflow.sdk
import airflow.timetables.trigger  # noqa: F401 - what every Airflow process has loaded before it parses anything
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.serialization.serialized_objects import DagSerialization

HEAVY = ("pandas", "pandera", "polars", "duckdb", "pyarrow", "boto3", "psycopg", "openpyxl")


def main() -> None:
    folder = Path(sys.argv[1])
    before = {name for name in HEAVY if name in sys.modules}
    start = time.process_time()
    bag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags-folder")
    seconds = time.process_time() - start
    heavy = sorted({name for name in HEAVY if name in sys.modules} - before)
    found = {}
    for dag_id, dag in bag.dags.items():
        again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
        found[dag_id] = {
            "described": bool(dag.description) and bool(dag.doc_md),
            "tags": sorted(dag.tags),
            "catchup": dag.catchup,
            "timetable": type(again.timetable).__name__,
            "partitioned": again.timetable.partitioned,
            "listens_to": sorted(key.name for key, _ in again.timetable.asset_condition.iter_assets()),
            "tasks": {
                task.task_id: {
                    "owner": task.owner,
                    "retries": task.retries,
                    "backs_off": bool(task.retry_exponential_backoff),
                    "limit": task.execution_timeout.total_seconds() if task.execution_timeout else None,
                    "pool": task.pool,
                    "mapped": task.is_mapped,
                    "outlets": sorted(asset.name for asset in task.outlets),
                    "after": sorted(task.upstream_task_ids),
                    "starts": getattr(task, "trigger_dag_id", None),
                }
                for task in dag.tasks
            },
        }
    errors = {str(file): text.strip().splitlines()[-1] for file, text in bag.import_errors.items()}
    print("\nFOUND " + json.dumps({"seconds": seconds, "heavy": heavy, "errors": errors, "dags": found}))


main()
