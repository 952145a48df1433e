"""Every hour: looks whether all is well, and tells a person what is not."""

from airflow.sdk import DAG, CronTriggerTimetable, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from dag_parts import DEFAULT_TASK_ARGUMENTS, TIMEZONE

ABOUT = """
### Watch the installation

`look` does what `trust-benchmarks doctor` does, and looks for deadlines that passed without every return. Each thing that is not well is a
red `tell`, which reaches whoever `TB_ALERT_MAIL` or `TB_ALERT_NOTIFIERS` names; its last line says what was found, what to do, and the
runbook. What lasts is told again after a day, and anew when it comes back. Red ones do not fail the run.

Skipped where nobody is named. An installation that has stopped tells nothing: `TB_HEARTBEAT_URL` (docs/operate.md) is for that.
"""

TOLD = "trust_benchmarks_told"  # the Airflow variable that says when what was told

with DAG(
    "watch_installation",
    description="Look whether all is well, and tell a person what is not",
    doc_md=ABOUT,
    schedule=CronTriggerTimetable("5 * * * *", timezone=TIMEZONE),
    default_args=DEFAULT_TASK_ARGUMENTS,
    tags=["housekeeping"],
    max_active_runs=1,
    catchup=False,
):

    @task(pool="warehouse")
    def look() -> list[str]:
        """What is to be told now, a sentence each."""
        from airflow.sdk import Variable
        from trust_benchmarks.operations import alerts, watch

        if not alerts.on_failure():
            raise AirflowSkipException("TB_ALERT_MAIL and TB_ALERT_NOTIFIERS name nobody who would hear of it.")
        told = Variable.get(TOLD, default={}, deserialize_json=True)
        new, told = watch.to_tell(watch.examine(), told)
        Variable.set(TOLD, told, description="When what was told (watch_installation)", serialize_json=True)
        return [watch.sentence(one) for one in new]

    @task(map_index_template="{{ sentence[:60] }}")
    def tell(sentence: str) -> None:
        """Fail with the sentence, so that whoever hears of failures hears of it."""
        raise AirflowFailException(sentence)

    @task(trigger_rule="all_done")
    def end() -> None:
        """What was told does not fail the run."""

    tell.expand(sentence=look()) >> end()
