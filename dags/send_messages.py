"""Every five minutes: writes the messages to trusts that are due to be said, and sends what waits in the outbox."""

from airflow.sdk import DAG, CronTriggerTimetable, task
from dag_parts import DEFAULT_TASK_ARGUMENTS, TIMEZONE

ABOUT = """
### Write and send the messages to trusts

`write` adds what is to be said and has not been said: a return is due or late, was received, held, returned, mended, accepted or
published (`docs/messages.md` has all words). It follows from the ledger, to the contacts of the trust, as they chose. `send` sends what waits in the outbox (`intake.messages`) over the connection `smtp_default` (`AIRFLOW_CONN_SMTP_DEFAULT`). A
mail that the server does not take is tried again after 5 minutes, then after longer and longer pauses, eight times within two
days; then it is given up and `given_up` fails, so that somebody is told. While the server cannot be reached at all, everything
waits and nothing is counted as tried.

Safe to run at any time, twice, and twice at once. Killed between a mail and its mark, that mail is sent twice, never not at all.
"""

with DAG(
    "send_messages",
    description="Write and send the messages to trusts",
    doc_md=ABOUT,
    schedule=CronTriggerTimetable("*/5 * * * *", timezone=TIMEZONE),
    default_args=DEFAULT_TASK_ARGUMENTS,
    tags=["messages"],
    max_active_runs=1,
    catchup=False,
):

    @task(pool="warehouse")
    def write() -> int:
        """Add the messages that are due to be said; returns how many. One that cannot be written keeps no other back."""
        from trust_benchmarks.messages import occasions

        done = occasions.queue()
        if done.failed:
            raise RuntimeError(
                f"{done.added} messages were added; {len(done.failed)} could not be written. The first: {done.failed[0]}"
            )
        return done.added

    # Also when a message could not be written: the others are sent.
    @task(pool="warehouse", trigger_rule="all_done")
    def send() -> list[int]:
        """Send what waits; returns the keys of messages that were given up."""
        from airflow.sdk.exceptions import AirflowSkipException
        from trust_benchmarks import messages
        from trust_benchmarks.stores.mail import NoMailServer

        try:
            done = messages.send()
        except NoMailServer as problem:
            raise AirflowSkipException(f"Messages wait. {problem}") from problem
        print(done)
        return done.given_up

    @task
    def complete() -> None:
        """Not reached when something failed, so that the run is failed and somebody looks."""

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

    # A run is failed also when a message could not be written.
    written, sent = write(), send()
    written >> sent
    [written, given_up(sent)] >> complete()  # type: ignore[arg-type]  # what the task before gives
