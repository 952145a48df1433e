"""Once a day: removes what killed runs left behind, and what is not kept for ever."""

from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, task
from dag_parts import DEFAULT_TASK_ARGUMENTS, TIMEZONE

ABOUT = """
### Housekeeping

`sweep` removes objects that no submission points to: a run that was killed between writing its records and moving the pointer
leaves them. They harm nobody; this keeps the store small. Archived files are never removed. Local copies of objects that
nobody used for 30 days are removed from the worker that the task runs on.

| task | removes | after days | variable |
|---|---|---|---|
| `prune` | releases that were never published or referred to | 90 | `TB_KEEP_RELEASES_DAYS` |
| `exports` | exports of releases that another one replaced | 400 | `TB_KEEP_EXPORTS_DAYS` |
| `logs` | logs of tasks, where this worker writes them | 30 | `TB_KEEP_LOGS_DAYS` |
| `runs` | Airflow's records of its runs, if `TB_AIRFLOW_DATABASE_URL` names its database | 90 | `TB_KEEP_RUNS_DAYS` |

0 keeps everything. Each task stands alone; nothing that figures rest on is removed.
"""

with DAG(
    "housekeeping",
    description="Remove what killed runs left behind, and what is not kept for ever",
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

    @task(pool="warehouse")
    def prune() -> int:
        """Remove releases that were never published; returns how many."""
        from trust_benchmarks.operations import retention
        from trust_benchmarks.releases import prune as releases
        from trust_benchmarks.stores import warehouse

        kept = retention.days("TB_KEEP_RELEASES_DAYS")
        if not kept:
            return 0
        with warehouse.connect() as connection:
            return len(releases.prune(connection, kept))

    @task(pool="warehouse")
    def exports() -> int:
        """Remove exports of releases replaced long ago; returns how many."""
        from trust_benchmarks.operations import retention

        return retention.forget_exports(retention.days("TB_KEEP_EXPORTS_DAYS"))

    @task
    def logs() -> int:
        """Remove old logs of tasks; returns how many files."""
        from pathlib import Path

        from airflow.sdk.configuration import conf
        from trust_benchmarks.operations import retention

        folder = Path(conf.get("logging", "base_log_folder"))
        return retention.remove_logs(folder, retention.days("TB_KEEP_LOGS_DAYS"))

    @task
    def runs() -> None:
        """Remove Airflow's records of runs long ended."""
        import os

        from airflow.sdk.exceptions import AirflowSkipException
        from trust_benchmarks.operations import retention

        database = os.environ.get("TB_AIRFLOW_DATABASE_URL")
        if not database:
            raise AirflowSkipException(
                "TB_AIRFLOW_DATABASE_URL is not set: tasks are not given Airflow's database. docs/operate.md says what to do instead."
            )
        retention.clean_airflow(database, retention.days("TB_KEEP_RUNS_DAYS"))

    sweep()
    prune()
    exports()
    logs()
    runs()
