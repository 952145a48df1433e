"""Which submissions wait for validation."""

import logging
from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from .. import catalogue, sql
from ..reading.identify import impossible
from ..stores import log, telemetry, warehouse

logger = logging.getLogger(__name__)

BATCH_FILES, BATCH_BYTES = 100, 40 * 1024 * 1024  # the most that one mapped task is given


class Waiting(NamedTuple):
    """A submission that waits for validation."""

    submission_id: str
    collection: str
    period: str | None
    sender: str | None
    received_at: datetime

    def has_run(self) -> bool:
        """Whether a run of its period will validate it: it is known what it is about, and that can be."""
        if self.period is None or self.sender is None:
            return False
        return not impossible(self.collection, self.period, self.received_at)


def periods(names: list[str] | None = None, connection: psycopg.Connection | None = None) -> list[list[str]]:
    """The [collection, period] pairs of these collections (None: all) with submissions that wait for validation."""
    if connection is None:
        with warehouse.connect() as connection:
            return periods(names, connection)
    found = connection.execute(sql.text("ingest/periods_waiting.sql"), {"collections": names or list(catalogue.all())})
    return [
        [collection, period] for collection, period, at in found.fetchall() if not impossible(collection, period, at)
    ]


def log_backlog(connection: psycopg.Connection, names: list[str]) -> None:
    """Logs how many submissions of each collection wait for validation and since when, for the metrics; nothing where nobody hears them."""
    if not telemetry.is_on():
        return
    found = dict.fromkeys(names, (0, 0.0))
    for name, *waits in connection.execute(sql.text("ingest/backlog"), {"collections": names}):
        found[name] = (waits[0], waits[1])
    for name, (files, seconds) in found.items():
        log.line(logger, "backlog", collection=name, files=files, oldest_seconds=seconds)


def batches(collection: str, period: str) -> list[list[str]]:
    """Ids of the submissions of a period that wait for validation, in batches for one task each."""
    with warehouse.connect() as connection:
        rows = connection.execute(
            sql.text("ingest/submissions_waiting.sql"), {"collection": collection, "period": period}
        ).fetchall()
    found: list[list[str]] = []
    size = 0
    for submission_id, length in rows:
        if not found or len(found[-1]) >= BATCH_FILES or size + length > BATCH_BYTES:
            found.append([])
            size = 0
        found[-1].append(submission_id)
        size += length
    return found


def without_run(connection: psycopg.Connection, names: list[str]) -> list[str]:
    """Ids of the waiting submissions of these collections that no run of a period will validate."""
    with connection.cursor(row_factory=class_row(Waiting)) as cursor:
        rows = cursor.execute(sql.text("ingest/all_waiting.sql"), {"collections": names}).fetchall()
    return [row.submission_id for row in rows if not row.has_run()]


def never_validated(submission_ids: list[str]) -> int:
    """How many of these submissions have no validation at all; one that a new decision made wait again has one."""
    with warehouse.connect() as connection:
        row = connection.execute(sql.text("ingest/never_validated.sql"), {"submission_ids": submission_ids}).fetchone()
        return int(row[0]) if row else 0


def none_is_in_work() -> bool:
    """Whether no submission is being collected, in one query over all collections."""
    with warehouse.connect() as connection:
        row = connection.execute(sql.text("ingest/at_rest")).fetchone()
    return row is not None and bool(row[0])
