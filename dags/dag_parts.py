"""What the DAG files share: the assets that connect them, default task arguments, and how one DAG asks for a run of another."""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Asset, Context
from airflow.sdk.exceptions import AirflowSkipException
from trust_benchmarks.operations import alerts

TIMEZONE = "Europe/London"

# Files that say no period or sender were received: they are held at once, and no collection runs for them.
HELD_ON_RECEIPT = Asset("held_on_receipt")
RELEASES = Asset("releases")
REFERENCE = Asset("reference")
TIMELINE = Asset("timeline")

# Which tasks go first when many wait: receive files, then measure, which by itself waits until collecting has come to rest, then
# finish what was begun. What follows from a release comes last.
RECEIVING, MEASURING, CONCLUDING, CHECKING, OPENING, FOLLOWING = 10, 9, 8, 7, 6, 1

# At least once: a task may run again, or twice at the same time. Every stage is written for that.
DEFAULT_TASK_ARGUMENTS = {
    "owner": "data-platform",
    "weight_rule": "absolute",
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(minutes=30),
    # When the last attempt has failed; nobody unless TB_ALERT_MAIL or TB_ALERT_NOTIFIERS says who.
    "on_failure_callback": alerts.on_failure(),
}


def waiting(collection: str) -> Asset:
    """Files of a collection that wait to be checked; the partition keys of its events are their periods."""
    return Asset(f"waiting_{collection}")


def records(collection: str) -> Asset:
    """A collection's records; the partition key of an event is the period that changed."""
    return Asset(f"records_{collection}")


class RequestRun(TriggerDagRunOperator):
    """Has a run of another DAG begin after this moment; one that is queued already is that run, and the task is skipped.

    An asset event cannot do this for a collection: events of a run with a partition key never reach a DAG without
    partitions, and a DAG with them would get a run for every single one.

    Args:
        dag_id: the DAG to run.
        **arguments: any other argument of an operator. The task runs also when one before it failed, unless said otherwise.
    """

    def __init__(self, *, dag_id: str, **arguments: Any) -> None:
        super().__init__(
            trigger_dag_id=dag_id,
            # Every attempt of a task has an id of its own: one that is cleared asks again.
            trigger_run_id="on_request_{{ ti.id }}",
            logical_date=None,
            skip_when_already_exists=True,
            **{"trigger_rule": "all_done", **arguments},
        )

    def execute(self, context: Context) -> None:
        """Start the run, unless one is queued.

        Raises:
            AirflowSkipException: when one is.
        """
        if context["ti"].get_dr_count(dag_id=self.trigger_dag_id, states=["queued"]):
            raise AirflowSkipException(f"A run of {self.trigger_dag_id} is queued already.")
        super().execute(context)
