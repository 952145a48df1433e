"""What the DAG files share: the assets that connect them, the habits of their tasks, and how one starts another."""

from datetime import timedelta

from airflow.sdk import Asset

TIMEZONE = "Europe/London"

# Something of a collection waits to be checked; the periods are the partition keys of its events.
WAITING = "waiting_{}"
# A collection's records changed; the period is the partition key.
RECORDS = "records_{}"
RELEASES = Asset("releases")
REFERENCE = Asset("reference")
TIMELINE = Asset("timeline")

# What goes first when many tasks wait: take in, then finish what was begun, and measure when the files are through,
# because every file of a period makes the same release stale again.
RECEIVING, CONCLUDING, CHECKING, OPENING, MEASURING = 10, 8, 7, 6, 1

# At least once: a task may run again, or twice at the same time. Every stage is written for that.
HABITS = {
    "owner": "data-platform",
    "weight_rule": "absolute",
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(minutes=30),
}


def waiting(collection: str) -> Asset:
    return Asset(WAITING.format(collection))


def records(collection: str) -> Asset:
    return Asset(RECORDS.format(collection))


def runs_under_way(dag_id: str, *states: str) -> int:
    """How many runs of a DAG are in these states (queued or running if none are given). Only inside a task."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    return RuntimeTaskInstance.get_dr_count(dag_id=dag_id, states=list(states) or ["queued", "running"])


def start_soon(dag_id: str) -> str:
    """Have one run of a DAG begin after this moment; a run that is queued already is that run. Only inside a task.

    An asset event cannot do this: events of a run with a partition key never reach a DAG without partitions, and a DAG
    with them would get a run for every single one.
    """
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import TriggerDagRun

    if runs_under_way(dag_id, "queued"):
        return "is queued already"
    # Two tasks that ask at the same moment count the same and so name the same run: only one of them makes it.
    begun = runs_under_way(dag_id, "running", "success", "failed")
    answer = task_runner.SUPERVISOR_COMMS.send(TriggerDagRun(dag_id=dag_id, run_id=f"on_request_{begun + 1}"))
    return "is queued already" if getattr(answer, "error", None) else "was started"
