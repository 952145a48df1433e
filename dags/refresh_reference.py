"""Loads the reviewed reference data (providers, successions, cohort, holidays, recommendations, metrics) into the warehouse."""

from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, task
from dag_parts import DEFAULT_TASK_ARGUMENTS, REFERENCE, TIMEZONE

ABOUT = """
### Refresh the reference data

Checks the data files of `include/reference/` (every successor chain ends, every code is known, dates are ordered) and
loads them. A file that does not pass the check fails the run and changes nothing. What changes makes benchmarks stale.
"""

with DAG(
    "refresh_reference",
    description="Check the reviewed reference data and load it",
    doc_md=ABOUT,
    schedule=CronTriggerTimetable("0 5 * * 1", timezone=TIMEZONE),
    default_args=DEFAULT_TASK_ARGUMENTS,
    tags=["reference"],
    max_active_runs=1,
    catchup=False,
):

    @task(pool="warehouse", outlets=[REFERENCE])
    def refresh() -> dict[str, Any]:
        """Check and load; returns the rows by table."""
        from trust_benchmarks.ingest import reference_load

        return reference_load.refresh()

    refresh()
