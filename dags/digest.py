"""Every working morning: one mail to each steward about what is new, still open and mended."""

from airflow.sdk import DAG, CronTriggerTimetable, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from dag_parts import DEFAULT_TASK_ARGUMENTS, TIMEZONE

ABOUT = """
### Send the digests

One mail a person and day, to the people of the file that `TB_PEOPLE` names (`docs/people.example.toml`), over the connection
`smtp_default` (`AIRFLOW_CONN_SMTP_DEFAULT`). It says what is new, still open and mended in the collections they look after,
and which returns are late, failed, missing or not due yet. Who has nothing new gets no mail.

Safe to run at any time, and twice: who has had today's gets no second one. A send that fails is tried again and marks
nothing. Killed between the send and its mark, it is sent twice, never not at all.
"""

with DAG(
    "send_digests",
    description="Mail each steward what is new, still open and mended",
    doc_md=ABOUT,
    schedule=CronTriggerTimetable("30 7 * * 1-5", timezone=TIMEZONE),
    default_args=DEFAULT_TASK_ARGUMENTS,
    tags=["stewardship"],
    max_active_runs=1,
    catchup=False,
):

    @task
    def people() -> list[str]:
        """Who may get one, by name; addresses stay in the file."""
        from trust_benchmarks.stewardship import digest

        if get_current_context()["dag_run"].run_type == "scheduled" and not digest.working_day():
            raise AirflowSkipException("Today is a bank holiday: no mails.")
        found = digest.names()
        if found is None:
            raise AirflowSkipException("TB_PEOPLE names no file of people, so nobody gets a digest.")
        return found

    @task(pool="warehouse", map_index_template="{{ name }}")
    def send(name: str) -> str:
        """One person's mail; one that cannot be sent does not keep the others back."""
        from airflow.sdk.configuration import conf
        from trust_benchmarks.stewardship import digest
        from trust_benchmarks.stores import mail

        desk = conf.get("api", "base_url", fallback="http://127.0.0.1:8080").rstrip("/") + "/steward"
        said = digest.send(name, mail.deliver, desk)
        print(said)
        return said

    send.expand(name=people())
