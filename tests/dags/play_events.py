"""Plays what Airflow may do to asset events against the task that announces arrivals (run by test_asset_events.py).

Calls `receive_workforce` of receive_inbox as three schedules in a row would, on the stores that the environment names, and prints for
each what was announced, as JSON: a list of periods, or why nothing was.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.sdk.exceptions import AirflowSkipException

folder = Path(sys.argv[1])
bag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags-folder")
receive = bag.dags["receive_inbox"].get_task("receive_workforce").python_callable


def schedule(runs_of_the_collection: int) -> list[str] | str:
    """One run of the task, while so many runs of the collection are queued or running."""
    announced: list[str] = []

    class Events(dict):
        def __missing__(self, asset):
            return SimpleNamespace(add_partitions=announced.extend)

    pushed = {}
    task = SimpleNamespace(get_dr_count=lambda **_: runs_of_the_collection, xcom_push=pushed.__setitem__)
    receive.__globals__["get_current_context"] = lambda: {"ti": task, "outlet_events": Events()}
    try:
        receive("workforce")
    except AirflowSkipException as nothing:
        return str(nothing)
    return announced


played = {
    "arrived": schedule(0),
    "its event was lost": schedule(0),
    "its event is pending beside a run": schedule(1),
    "that run ended without it": schedule(0),
}
from trust_benchmarks.ingest import waiting  # noqa: E402 - as the tasks do, after the DAGs are parsed
from trust_benchmarks.records import validate_and_record  # noqa: E402

batches = waiting.batches("workforce", "2025-06")
first, second = (validate_and_record.validate_and_record(batches[0]) for _ in range(2))
played |= {"collected": first, "collected by a doubled run": second, "nothing is left": schedule(0)}
print("\nPLAYED " + json.dumps(played))
