"""Once a day: removes what killed runs left behind and nothing points to."""

from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, task
from dag_parts import DEFAULT_TASK_ARGUMENTS, TIMEZONE

ABOUT = """
### Housekeeping

Removes objects that no submission points to: a run that was killed between writing its records and moving the pointer
leaves them. They harm nobody; this keeps the store small. Archived files are never removed. Local copies of objects that
nobody used for 30 days are removed from the worker that the task runs on.
"""

with DAG(
    "housekeeping",
    description="Remove what killed runs left behind",
    doc_md=ABOUT,
    schedule=CronTriggerTimetable("30 3 * * *", timezone=TIMEZONE),
    default_args=DEFAULT_TASK_ARGUMENTS,
    tags=["housekeeping"],
    max_active_runs=1,
    catchup=False,
):

    @task(pool="warehouse")
    def sweep() -> dict[str, Any]:
        """Remove what nothing points to; returns how much."""
        from trust_benchmarks.records import sweep

        return sweep.sweep()

    sweep()
