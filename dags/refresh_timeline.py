"""Brings the engagement timeline up to date with submissions, decisions, releases and the programme's own log."""

from typing import Any

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, task
from dag_parts import DEFAULT_TASK_ARGUMENTS, FOLLOWING, HELD_ON_RECEIPT, RELEASES, TIMELINE, TIMEZONE

ABOUT = """
### Refresh the engagement timeline

Works out the events that follow from the submission log (due, received, late, held, accepted, resubmitted, missing at
close, published) and loads the programme's own. Runs after releases, after files were held on receipt, and once a day, because deadlines pass by themselves.
Refreshing twice changes nothing.
"""

with DAG(
    "refresh_timeline",
    description="Bring the engagement timeline up to date",
    doc_md=ABOUT,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 7 * * *", timezone=TIMEZONE), assets=RELEASES | HELD_ON_RECEIPT
    ),
    default_args={**DEFAULT_TASK_ARGUMENTS, "priority_weight": FOLLOWING},
    tags=["timeline"],
    max_active_runs=1,
    catchup=False,
):

    @task(pool="warehouse", outlets=[TIMELINE])
    def refresh() -> dict[str, Any]:
        """Derive the events again; returns how many came and went."""
        from airflow.sdk.exceptions import AirflowFailException
        from trust_benchmarks.timeline import refresh as timeline

        done = timeline.refresh()
        if "failed" in done:
            raise AirflowFailException(f"Refreshed, but for {', '.join(done['failed'])}. The log says why.")
        return done

    refresh()
