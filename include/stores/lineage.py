"""Lineage of what was done, as events of OpenLineage: made from the lines of the log, and sent by a thread of their own.

Off unless OPENLINEAGE_URL, OPENLINEAGE_CONFIG or OPENLINEAGE__TRANSPORT__TYPE names where to; the client's other variables serve too.
Whatever is wrong with the receiver slows and fails nothing: what it did not take is lost.

One run is what a process did in one step for one collection and period until it sent; a dataset is a collection's part of a bucket,
or a published table.
"""

import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from . import settings

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient

logger = logging.getLogger(__name__)

NAMED = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT__TYPE")
# Loaded where something is sent: they take a third of a second.
LIBRARIES = ("openlineage.client", "openlineage.client.event_v2", "openlineage.client.facet_v2")
INTERVAL = 5.0  # seconds between two times of sending
# What Airflow says of the task, where one runs.
TASK = {"dag_id": "AIRFLOW_CTX_DAG_ID", "task_id": "AIRFLOW_CTX_TASK_ID", "dag_run_id": "AIRFLOW_CTX_DAG_RUN_ID"}


class Step(NamedTuple):
    """What an event of the log is in lineage.

    Attributes:
        inputs, outputs: datasets, see `_dataset`; read, wrote: OpenLineage's name of a count and the fact that is added to it.
    """

    name: str
    about: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    read: dict[str, str]
    wrote: dict[str, str]


VALIDATE = "Reads and validates files, and records the rows that are accepted."
RELEASE = "Computes measures and benchmarks of what counts."
STEPS = {
    "received": Step(
        "receive",
        "Archives files as sent and registers them.",
        ("inbox",),
        ("intake.submissions",),
        {"size": "bytes"},
        {},
    ),
    "validated": Step(
        "validate", VALIDATE, ("inbox",), ("records",), {"rowCount": "rows_read"}, {"rowCount": "rows_recorded"}
    ),
    "made": Step(
        "release",
        RELEASE,
        ("records",),
        ("published.measures", "published.benchmarks"),
        {},
        {"rowCount": "measures"},
    ),
    "not_made": Step("release", RELEASE, ("records",), (), {}, {}),
    "exported": Step(
        "export",
        "Writes published tables as Parquet and CSV.",
        ("published.measures", "published.benchmarks"),
        ("exports",),
        {},
        {"rowCount": "rows", "fileCount": "files"},
    ),
}


@dataclass
class _Run:
    """What was done since the last time of sending."""

    began: datetime
    places: "Places"
    lines: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    release_id: str = ""
    problem: str = ""


_lock = threading.Lock()
_runs: dict[tuple[str, str, str], _Run] = {}


def is_on() -> bool:
    """Whether it is named where to send to."""
    return any(os.environ.get(name) for name in NAMED) and os.environ.get("OPENLINEAGE_DISABLED", "").lower() != "true"


def record(event: str, facts: Mapping[str, object], level: int = logging.INFO) -> None:
    """Adds an event of the log to the run of its step; nothing for an event that is no step."""
    if event not in STEPS or not is_on():
        return
    places = _datasets(os.getpid())  # asked for here: a thread has no way to Airflow's connections
    now, seconds = datetime.now(UTC), facts.get("seconds")
    took = timedelta(seconds=seconds) if isinstance(seconds, float) else timedelta()
    with _lock:
        run = _runs.setdefault(
            (event, str(facts.get("collection")), str(facts.get("period") or "")), _Run(now - took, places)
        )
        run.lines += 1
        step = STEPS[event]
        for fact in {*step.read.values(), *step.wrote.values()}:
            value = facts.get(fact)
            run.counts[fact] += value if isinstance(value, int) else 0
        run.release_id = str(facts.get("release_id") or "")
        run.problem = str(facts.get("problem") or "")
    _sender(os.getpid())


def send() -> None:
    """Sends what was done and not sent; takes as long as the receiver does."""
    with _lock:
        done = dict(_runs)
        _runs.clear()
    for (event, collection, period), run in done.items():
        for one in _events(STEPS[event], collection, period, run):
            _client(os.getpid()).emit(one)


def _forget() -> None:
    """A child that was forked tells only what it does itself."""
    global _lock
    _lock = threading.Lock()
    _runs.clear()


os.register_at_fork(after_in_child=_forget)


@cache
def _sender(process: int) -> threading.Thread:  # by process: a thread does not outlive a fork
    def sends() -> None:
        while not threading.Event().wait(INTERVAL):
            try:
                send()
            except Exception as problem:  # whatever the client or the receiver comes to
                _say_unsent(process, f"{type(problem).__name__}: {problem}")

    thread = threading.Thread(target=sends, daemon=True)
    thread.start()
    return thread


@cache
def _client(process: int) -> "OpenLineageClient":
    from openlineage.client import OpenLineageClient  # noqa: PLC0415

    for name in ("openlineage.client.transport", "openlineage.client.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # an error in a task's log would be taken for the task's
    return OpenLineageClient()


@cache
def _say_unsent(process: int, problem: str) -> None:
    logger.warning("The receiver of lineage did not take it; it is lost: %s", problem)


def _events(step: Step, collection: str, period: str, run: _Run) -> Iterator[Any]:
    """The start and the end of a run."""
    from openlineage.client import event_v2, facet_v2  # noqa: PLC0415
    from openlineage.client.uuid import generate_new_uuid  # noqa: PLC0415

    producer = f"urn:trust-benchmarks:{version('trust-benchmarks')}"
    facet_v2.set_producer(producer)
    told = {"period": period} | {name: os.environ.get(variable, "") for name, variable in TASK.items()}
    tags = [facet_v2.tags_run.TagsRunFacetFields(key, value) for key, value in told.items() if value]
    facets: dict[str, Any] = {"tags": facet_v2.tags_run.TagsRunFacet(tags)}
    end = event_v2.RunState.COMPLETE
    if run.problem:
        end = event_v2.RunState.FAIL
        facets["errorMessage"] = facet_v2.error_message_run.ErrorMessageRunFacet(run.problem, "python")
    about = {
        "documentation": facet_v2.documentation_job.DocumentationJobFacet(step.about),
        "jobType": facet_v2.job_type_job.JobTypeJobFacet("BATCH", "TRUST_BENCHMARKS", "TASK"),
    }
    of = event_v2.Run(str(generate_new_uuid()), facets)
    job = event_v2.Job(os.environ.get("OPENLINEAGE_NAMESPACE", "trust-benchmarks"), f"{collection}.{step.name}", about)
    inputs, outputs = _inputs(step, collection, run), _outputs(step, collection, run)
    for state, moment in ((event_v2.RunState.START, run.began), (end, datetime.now(UTC))):
        yield event_v2.RunEvent(
            eventTime=moment.isoformat(),
            producer=producer,
            eventType=state,
            run=of,
            job=job,
            inputs=inputs,
            outputs=outputs,
        )


def _inputs(step: Step, collection: str, run: _Run) -> list[Any]:
    from openlineage.client import event_v2  # noqa: PLC0415
    from openlineage.client.facet_v2 import input_statistics_input_dataset  # noqa: PLC0415

    counts: dict[str, Any] = {count: run.counts[fact] for count, fact in step.read.items()}
    counts |= {"fileCount": run.lines} if step.inputs == ("inbox",) else {}
    facet = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(**counts)
    statistics: dict[str, Any] = {"inputStatistics": facet} if counts else {}
    return [event_v2.InputDataset(*run.places.of(name, collection), inputFacets=statistics) for name in step.inputs]


def _outputs(step: Step, collection: str, run: _Run) -> list[Any]:
    from openlineage.client import event_v2  # noqa: PLC0415
    from openlineage.client.facet_v2 import dataset_version_dataset, output_statistics_output_dataset  # noqa: PLC0415

    counts: dict[str, Any] = {count: run.counts[fact] for count, fact in step.wrote.items()}
    facet = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(**counts)
    versions: dict[str, Any] = {}
    if run.release_id:
        versions["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(run.release_id)
    return [
        event_v2.OutputDataset(
            *run.places.of(name, collection),
            facets=versions,
            # What was counted is the rows of the first one.
            outputFacets={"outputStatistics": facet} if step.wrote and name == step.outputs[0] else {},
        )
        for name in step.outputs
    ]


class Places(NamedTuple):
    """Where the datasets are: buckets by what they are for, and the warehouse, as namespace and the first part of a table's name."""

    buckets: dict[str, str]
    warehouse: tuple[str, str]

    def of(self, name: str, collection: str) -> tuple[str, str]:
        """Namespace and name by OpenLineage's rules: of a bucket's part that is a collection's, or of a table of the warehouse."""
        if name in self.buckets:
            return f"s3://{self.buckets[name]}", collection
        namespace, database = self.warehouse
        return namespace, f"{database}.{name}"


@cache
def _datasets(process: int) -> Places:
    of = settings.load()
    url = urlsplit(of.warehouse_url)
    return Places(
        {"inbox": of.inbox, "records": of.records, "exports": of.exports},
        (f"postgres://{url.hostname}:{url.port or 5432}", url.path.lstrip("/")),
    )
