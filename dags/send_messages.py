"""Every five minutes, and after releases and held files: sends the messages to trusts that wait in the outbox."""

from airflow.sdk import DAG, CronTriggerTimetable, task
from dag_parts import DEFAULT_TASK_ARGUMENTS, TIMEZONE

ABOUT = """
### Send the messages to trusts

`send` sends what waits in the outbox (`intake.messages`) over the connection `smtp_default` (`AIRFLOW_CONN_SMTP_DEFAULT`). A
mail that the server does not take is tried again after 5 minutes, then after longer and longer pauses, eight times within two
days; then it is given up and `given_up` fails, so that somebody is told. While the server cannot be reached at all, everything
waits and nothing is counted as tried.

Safe to run at any time, twice, and twice at once. Killed between a mail and its mark, that mail is sent twice, never not at all.
"""

with DAG(
    "send_messages",
    description="Send the messages to trusts that wait in the outbox",
    doc_md=ABOUT,
    schedule=CronTriggerTimetable("*/5 * * * *", timezone=TIMEZONE),
    default_args=DEFAULT_TASK_ARGUMENTS,
    tags=["messages"],
    max_active_runs=1,
    catchup=False,
):

    @task(pool="warehouse")
    def send() -> list[int]:
        """Send what waits; returns the keys of messages that were given up."""
        from airflow.sdk.exceptions import AirflowSkipException
        from trust_benchmarks import messages
        from trust_benchmarks.stewardship.mail import NoMailServer

        try:
            done = messages.send()
        except NoMailServer as problem:
            raise AirflowSkipException(f"Messages wait. {problem}") from problem
        print(done)
        return done.given_up

    # Red where somebody must look.
    @task
    def given_up(keys: list[int]) -> None:
        """Say which messages will never arrive, and what to do."""
        from airflow.sdk.exceptions import AirflowFailException

        if keys:
            raise AirflowFailException(
                f"{len(keys)} messages were given up: the mail server does not take them. Who was meant, and what the server said: "
                f"SELECT * FROM intake.messages WHERE message_key IN ({', '.join(map(str, keys[:20]))})"
            )

    given_up(send())  # type: ignore[arg-type]  # what the task before gives
