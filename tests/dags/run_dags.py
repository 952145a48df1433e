"""Runs DAGs with dag.test(run_conf=conf) in a process of its own and prints how their tasks ended as JSON (run by test_dags_run.py)."""

import json
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.utils.db import initdb

folder, confs = Path(sys.argv[1]), json.loads(sys.argv[2])  # what to run, each with what it is told
initdb()
bag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags-folder")
ended = {}
for dag_id, conf in confs.items():
    run = bag.dags[dag_id].test(run_conf=conf)
    ended[dag_id] = {
        "run": run.state,
        "tasks": {one.task_id: one.state for one in run.get_task_instances() if one.map_index < 0},
        "looks": {one.rendered_map_index: one.state for one in run.get_task_instances() if one.map_index >= 0},
    }
print("\nENDED " + json.dumps(ended, default=str))
