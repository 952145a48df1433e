"""Every quarter of an hour: archives and registers what has arrived, and starts the collections that have work."""

from airflow.sdk import DAG, CronTriggerTimetable, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from dag_parts import HABITS, RECEIVING, TIMEZONE, runs_under_way, start_soon, waiting
from trust_benchmarks import catalogue

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
    default_args=HABITS,
    tags=["intake"],
    max_active_runs=1,
    catchup=False,
):
    for _name in catalogue.all():

        @task(task_id=f"receive_{_name}", pool="reading", priority_weight=RECEIVING, outlets=[waiting(_name)])
        def receive(name: str) -> dict:
            """Receive one collection and announce its periods that have files waiting."""
            from trust_benchmarks.ingest import receive

            result = receive.receive(name)
            periods = sorted({period for _, period in result["waiting"]})
            if result.get("failed") and not periods:
                raise RuntimeError(
                    f"Not received: {result['failed']}. All others were; these are tried again the next time."
                )
            if not periods:
                if result["received"]:  # files that do not say what they are about: they were held at once
                    start_soon("refresh_timeline")
                raise AirflowSkipException(f"Nothing of {name} is waiting.")
            if not result["received"] and runs_under_way(f"collect_{name}"):
                raise AirflowSkipException(f"Nothing new; what waits of {name} is being collected.")
            get_current_context()["outlet_events"][waiting(name)].add_partitions(periods)
            return result

        receive(_name)
