"""Every hour of a working day: looks at the publishers that are due, and brings what is new into the inbox."""

from airflow.sdk import DAG, CronTriggerTimetable, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from dag_parts import DEFAULT_TASK_ARGUMENTS, TIMEZONE

ABOUT = """
### Fetch what was published

Looks at each source of the collections' `source.toml`: once a day, every hour while a release is due by the publisher's calendar or the
publisher did not answer, and a closed series until it was had. One task a source; `receive_inbox` receives what came within 15 minutes.

Nothing is fetched unless `TB_FETCH_CONTACT` names a contact (`docs/sources.md`).

A red `look` means that a person must act; its last line says what was found, what it means and what to do, and
`docs/runbooks/README.md#a-publisher-needs-a-look` has more. What the publisher will mend by itself (not yet published, no answer) is no
failure. Run again, twice at once, or killed anywhere: nothing is lost or doubled.

Run by hand with a collection and a first period, it fetches the history from there.
"""

with DAG(
    "fetch_published",
    description="Look at the publishers that are due, and bring what is new into the inbox",
    doc_md=ABOUT,
    schedule=CronTriggerTimetable("50 9-17 * * 1-5", timezone=TIMEZONE),
    default_args=DEFAULT_TASK_ARGUMENTS,
    params={
        "collection": Param(None, type=["null", "string"], description="Only this collection, due or not."),
        "since": Param(None, type=["null", "string"], description="Its history from this period on, such as 2025-04."),
    },
    tags=["intake"],
    max_active_runs=1,
    catchup=False,
):

    @task
    def due() -> list[str]:
        """The sources to look at now."""
        from trust_benchmarks.sources import declared, due, settings

        if not settings.is_on():
            raise AirflowSkipException("TB_FETCH_CONTACT is not set, so nothing is fetched (docs/sources.md).")
        collection = get_current_context()["params"]["collection"]
        keys = [one.key for one in declared.fetched() if one.collection == collection] if collection else due.due()
        if not keys:
            raise AirflowSkipException(f"No source of {collection} is declared." if collection else "No source is due.")
        return keys

    @task(pool="fetching", map_index_template="{{ key }}")
    def look(key: str) -> list[str]:
        """Look at one source; what came is listed by its key in the inbox."""
        from trust_benchmarks.sources import fetch

        found = fetch.look(key, since=get_current_context()["params"]["since"])
        for line in found.said:
            print(line)
        if found.needs_person:
            raise AirflowFailException(f"{found.outcome}: {' '.join(found.said)}")
        return found.fetched

    look.expand(key=due())
