"""One DAG for each collection of the catalogue: validates the files that wait for a period, in batches, and records the rows."""

from typing import Any

from airflow.sdk import DAG, get_current_context, task
from airflow.sdk.types import DagRunProtocol
from collection_calendar import CollectionCalendar
from dag_parts import CHECKING, CONCLUDING, DEFAULT_TASK_ARGUMENTS, OPENING, RequestRun, records, waiting
from trust_benchmarks import catalogue

ABOUT = """
### {title}

{description}

- **Who sends it**: {sender}
- **Period**: a {frequency}; it is the run's partition key, such as `{example}`
- **When**: once a {frequency}, when it is over, and within 15 minutes of an arrival

`receive` archives what lies in the inbox and lists what waits for this period, in batches; `check` reads and validates a
batch and records what is accepted; `conclude` fails if a listed submission was left over; `request_benchmarks` starts
`refresh_benchmarks`, unless a run of it is queued.

A file that is held, cannot be read or breaks our own code does not fail the run: its findings are in `intake.findings`, for a
steward (`SYS-ERROR`: for us). A failed run means that a store is down or an archived file is damaged; what could be recorded
was recorded, and its benchmarks are refreshed. Clearing the run, running it again, a backfill, or two runs of one period at
once give the same tables.
"""


def build(collection: catalogue.Collection) -> DAG:
    """The DAG of one collection."""
    name = collection.name
    dag = DAG(
        f"collect_{name}",
        description=f"{collection.title}: receive, check and record one {collection.frequency.replace('_', ' ')}",
        doc_md=ABOUT.format(
            title=collection.title,
            description=collection.description,
            sender="one file from each trust"
            if collection.kind == "each_trust"
            else f"{collection.publisher}, nationally",
            frequency=collection.frequency.replace("_", " "),
            example="2025-06" if collection.frequency == "month" else "2016-17",
        ),
        schedule=CollectionCalendar(frequency=collection.frequency, arrivals=waiting(name)),
        default_args={**DEFAULT_TASK_ARGUMENTS, "owner": collection.owner},
        tags=["collection", *collection.tags],
        max_active_runs=4,
        catchup=False,
    )

    @task(pool="reading", priority_weight=OPENING)
    def receive() -> list[list[str]]:
        """Receive what lies in the inbox, unless this run was started for files just received; list this period's batches."""
        from trust_benchmarks.ingest import receive, waiting

        run = get_current_context()["dag_run"]
        if run.run_type != "asset_triggered":
            receive.receive(name)
        return waiting.batches(name, _period(run))

    @task(pool="reading", priority_weight=CHECKING, map_index_template="{{ submission_ids | length }} files")
    def check(submission_ids: list[str]) -> dict[str, Any]:
        """Read, validate and record one batch of submissions."""
        from trust_benchmarks.records import validate_and_record

        return validate_and_record.validate_and_record(submission_ids)

    @task(pool="warehouse", priority_weight=CONCLUDING, trigger_rule="all_done", outlets=[records(name)])
    def conclude(batches: list[list[str]] | None) -> None:
        """Fail if a listed submission was left over."""
        from trust_benchmarks.ingest import waiting

        period = _period(get_current_context()["dag_run"])
        if batches is None:
            raise RuntimeError(
                f"The waiting files of {name} for {period} were not listed. The log of the receive task says why."
            )
        listed = [submission_id for batch in batches for submission_id in batch]
        left = waiting.never_validated(listed)
        if left:
            raise RuntimeError(
                f"{left} of {len(listed)} submissions of {name} for {period} were neither accepted nor held. "
                "The logs of the check tasks name them and say why; clear this run when the reason is mended."
            )

    with dag:
        batches = receive()
        # Also when a batch failed: what was recorded is released.
        benchmarks = RequestRun(task_id="request_benchmarks", dag_id="refresh_benchmarks", priority_weight=CONCLUDING)
        concluded = conclude(batches)  # type: ignore[arg-type]  # what the task before gives
        check.expand(submission_ids=batches) >> [concluded, benchmarks]
    return dag


def _period(run: DagRunProtocol) -> str:
    if not run.partition_key:
        raise ValueError("This run has no period. Start it with a partition key such as 2025-06.")
    return run.partition_key


for _collection in catalogue.all().values():
    globals()[f"collect_{_collection.name}"] = build(_collection)
