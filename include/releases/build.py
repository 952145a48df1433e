"""Builds releases of what counts now, beside those that stand; no pointer moves."""

import logging
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import polars as pl
import psycopg

from .. import reference, sql
from ..ingest.calendar_load import expect
from ..stores import log, warehouse
from ..stores.faults import is_failure, is_outage
from . import basis, checks, fingerprints, inputs, movements
from .dependencies import Pair
from .failures import log_failure
from .figures import figures
from .inputs import ReleaseInputs
from .ledger import VALUES, values_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Built:
    """What became of a build.

    Attributes:
        measures: how many it has; None where it is not new.
        new: False when this release was there already, or inputs moved meanwhile.
    """

    release_id: str
    measures: int | None = None
    new: bool = False


def make_each(pairs: Iterable[Pair]) -> list[tuple[Pair, BaseException]]:
    """Makes a release of each (collection, period); one that fails does not keep the others back. Returns those that failed.

    Raises:
        psycopg.OperationalError, botocore.exceptions.ClientError and the like: at once, when a store is down.
    """
    failed: list[tuple[Pair, BaseException]] = []
    for collection, period in pairs:
        began = time.monotonic()
        try:
            made = make(collection, period)
        except BaseException as problem:
            if not is_failure(problem) or is_outage(problem):
                raise
            log_failure(logger, "not_made", (collection, period), problem)
            failed.append(((collection, period), problem))
            continue
        seconds = time.monotonic() - began
        log.line(logger, "made", collection=collection, period=period, **asdict(made), seconds=seconds)
    return failed


def make(collection: str, period: str) -> Built:
    """Computes a release of what counts now, and why its figures are not those of the one that stands."""
    expect(collection, {period})
    with warehouse.connect() as connection:
        release_id, inputs_hash = fingerprints.next_release(connection, collection, period)
        previous = _current(connection, collection, period)
        there = _is_there(connection, release_id)
        if there and movements.is_explained(connection, release_id, previous):
            return Built(release_id)
        given = inputs.load(connection, collection, period)
        if given.inputs_hash != inputs_hash:  # inputs moved between the two questions
            return Built(given.release_id)
        moves = movements.plan(connection, given, previous)
        values = values_of(connection, release_id) if there else pl.DataFrame()
    tables: dict[str, pl.DataFrame] = {}
    if not there:
        tables = {**figures(given), "release_total": checks.totals(given)}
        values = tables["measure"].select(list(VALUES))
    moved = movements.measured(moves, values)
    with warehouse.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"release {collection} {period}"])
        if fingerprints.next_release(connection, collection, period).inputs_hash != inputs_hash:
            return Built(release_id)
        added = not there and _store(connection, given, tables)
        _store_moves(connection, release_id, moved, previous)
    return Built(release_id, values.height if added else None, added)


def _current(connection: psycopg.Connection, collection: str, period: str) -> str | None:
    row = connection.execute(
        "SELECT release_id FROM core.current_release WHERE collection = %s AND period = %s", [collection, period]
    ).fetchone()
    return row[0] if row else None


def _is_there(connection: psycopg.Connection, release_id: str) -> bool:
    return connection.execute("SELECT FROM core.release WHERE release_id = %s", [release_id]).fetchone() is not None


def _store(connection: psycopg.Connection, given: ReleaseInputs, tables: dict[str, pl.DataFrame]) -> bool:
    """Stores a release with its rows and what it rests on; False when another worker has."""
    release = {
        "release_id": given.release_id,
        "collection": given.collection,
        "period": given.period,
        "inputs_hash": given.inputs_hash,
        "reference_version": reference.version(),
        "code_version": fingerprints.code_version(),
        "submissions": given.own["submission_id"].sort().to_list(),
        "is_sample": bool(given.own["is_sample"].any()),
    }
    if not connection.execute(sql.text("releases/add_release"), release).rowcount:
        return False
    for table, frame in tables.items():
        warehouse.copy(connection, table, frame, release_id=given.release_id)
    basis.store(connection, given.release_id, given.basis)
    return True


def _store_moves(connection: psycopg.Connection, release_id: str, moved: pl.DataFrame, previous: str | None) -> None:
    """Stores why the figures of a release are not those of the release that stands, once."""
    if previous in (None, release_id) or not basis.of_release(connection, str(previous)):
        return
    new = connection.execute(
        "INSERT INTO core.explained (release_id, previous_release_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [release_id, previous],
    ).rowcount
    if new:
        warehouse.copy(connection, "movement", moved, release_id=release_id, previous_release_id=previous)
