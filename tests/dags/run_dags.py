"""Runs DAGs with dag.test(run_conf=conf) in a process of its own and prints how their tasks ended as JSON (run by test_dags_run.py)."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.models.log import Log
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import select

folder, confs = Path(sys.argv[1]), json.loads(sys.argv[2])  # what to run, each with what it is told
initdb()
with create_session() as session:  # what the housekeeping has to remove, and what it has to leave
    for event, when in (("old", datetime(2020, 1, 1, tzinfo=UTC)), ("new", datetime.now(UTC))):
        entry = Log(event=event)
        entry.dttm = when
        session.add(entry)
bag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags-folder")
ended = {}
for dag_id, conf in confs.items():
    run = bag.dags[dag_id].test(run_conf=conf)
    ended[dag_id] = {
        "run": run.state,
        "tasks": {one.task_id: one.state for one in run.get_task_instances() if one.map_index < 0},
        "looks": {one.rendered_map_index: one.state for one in run.get_task_instances() if one.map_index >= 0},
    }
with create_session() as session:
    ended["log"] = sorted(session.scalars(select(Log.event).where(Log.event.in_(["old", "new"]))))
print("\nENDED " + json.dumps(ended, default=str))
