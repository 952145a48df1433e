"""Every quarter of an hour: archives and registers what has arrived, and starts the collections that have work."""

from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from dag_parts import DEFAULT_TASK_ARGUMENTS, HELD_ON_RECEIPT, RECEIVING, TIMEZONE, waiting
from trust_benchmarks import catalogue

# The key under which a task says that it received files which were held at once.
HELD = "held_on_receipt"

ABOUT = """
### Receive what has arrived

One task a collection lists its part of the inbox, archives each new file as it was sent under its SHA-256, and registers
it. Periods that have files waiting are announced, and Airflow starts one run of `collect_<collection>` for each of them.

A file that cannot be identified, read or dated is registered all the same and held with a finding; it keeps no other back.
A failed task means that a store is down, or that a file could not be brought to the archive.

The same bytes again get a receipt and start nothing. Safe to run at any time, and twice.
"""

with DAG(
    "receive_inbox",
    description="Archive and register what has arrived, and start the collections that have work",
    doc_md=ABOUT,
    schedule=CronTriggerTimetable("*/15 * * * *", timezone=TIMEZONE),
    default_args=DEFAULT_TASK_ARGUMENTS,
    tags=["intake"],
    max_active_runs=1,
    catchup=False,
):

    @task(trigger_rule="all_done", outlets=[HELD_ON_RECEIPT])
    def announce_held() -> None:
        """Have the timeline refreshed when files were held that no collection will run for."""
        context = get_current_context()
        if not any(context["ti"].xcom_pull(task_ids=[f"receive_{name}" for name in catalogue.all()], key=HELD)):
            raise AirflowSkipException("No file was held on receipt.")

    # Not after a failure, and not at all where no monitor is named: it misses what does not come.
    @task(trigger_rule="none_failed")
    def heartbeat() -> None:
        """Tell a monitor outside that files are received."""
        from trust_benchmarks.operations import watch

        if not watch.heartbeat():
            raise AirflowSkipException("TB_HEARTBEAT_URL names no monitor.")

    _held, _beat = announce_held(), heartbeat()
    for _name in catalogue.all():

        @task(task_id=f"receive_{_name}", pool="reading", priority_weight=RECEIVING, outlets=[waiting(_name)])
        def receive(name: str) -> dict[str, Any]:
            """Receive one collection and announce its periods that have files waiting."""
            from trust_benchmarks.ingest import receive

            result = receive.receive(name)
            periods = sorted({period for _, period in result["waiting"]}, reverse=True)  # the newest is collected first
            if result.get("failed") and not periods:
                raise RuntimeError(
                    f"Not received: {result['failed']}. All others were; these are tried again the next time."
                )
            if not periods:
                if result["received"]:  # files that do not say what they are about: they were held at once
                    get_current_context()["ti"].xcom_push(HELD, True)
                raise AirflowSkipException(f"Nothing of {name} is waiting.")
            context = get_current_context()
            under_way = context["ti"].get_dr_count(dag_id=f"collect_{name}", states=["queued", "running"])
            if under_way and not result["received"]:
                raise AirflowSkipException(f"Nothing new; the waiting files of {name} are being collected.")
            context["outlet_events"][waiting(name)].add_partitions(periods)
            return result

        receive(_name) >> [_held, _beat]
