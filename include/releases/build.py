"""Builds releases of what counts now, beside those that stand; no pointer moves."""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import polars as pl
import psycopg

from .. import reference, sql
from ..ingest.expected_returns import expect
from ..measures import versions
from ..stores import log, warehouse
from ..stores.faults import is_failure, is_outage
from . import basis, fingerprints, inputs, movements
from .dependencies import Pair
from .failures import log_failure
from .figures import figures, figures_hash
from .inputs import ReleaseInputs
from .ledger import VALUES, values_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Built:
    """What became of a build.

    Attributes:
        measures: how many it has; None where it is not new.
        new: False when a release of these figures was there already, or inputs moved meanwhile.
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
        previous, there = _stands(connection, collection, period, inputs_hash)
        if there and (again := _equals_standing(connection, there, inputs_hash)):
            return Built(again)
        if there and movements.is_explained(connection, there, previous):
            return Built(there)
        given = inputs.load(connection, collection, period)
        if given.inputs_hash != inputs_hash:  # inputs moved between the two questions
            return Built(given.release_id)
        moves = movements.plan(connection, given, previous)
        values = values_of(connection, there) if there else pl.DataFrame()
    tables: dict[str, pl.DataFrame] = {}
    if not there:
        tables = figures(given)
        values = tables["measure"].select(list(VALUES))
    moved = movements.measured(moves, values)
    with warehouse.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"release {collection} {period}"])
        if fingerprints.next_release(connection, collection, period).inputs_hash != inputs_hash:
            return Built(release_id)
        if there:
            _store_moves(connection, there, moved, previous)
            return Built(there)
        built = _store(connection, given, tables)
        _store_moves(connection, built.release_id, moved, previous)
    return built


def would_stand(connection: psycopg.Connection, given: ReleaseInputs, tables: Mapping[str, pl.DataFrame]) -> str:
    """The release that would stand if these rows were published: the current one where they are equal to its."""
    row = connection.execute(
        """SELECT r.release_id FROM core.current_release c JOIN core.release r USING (release_key)
           WHERE (c.collection, c.period, r.figures_hash) = (%s, %s, %s)""",
        [given.collection, given.period, figures_hash(tables)],
    ).fetchone()
    return str(row[0]) if row else given.release_id


def _equals_standing(connection: psycopg.Connection, there: str, inputs_hash: str) -> str | None:
    """Notes that a release which was made before has the figures of the one that stands; that one, or None."""
    row = connection.execute(
        sql.text("releases/equals_standing"), {"release_id": there, "inputs_hash": inputs_hash}
    ).fetchone()
    return str(row[0]) if row else None


def _stands(
    connection: psycopg.Connection, collection: str, period: str, inputs_hash: str
) -> tuple[str | None, str | None]:
    """The current release, and the one that has the figures of these inputs; None: there is none."""
    previous, there = connection.execute(
        """SELECT (SELECT release_id FROM core.standing WHERE (collection, period) = (%(collection)s, %(period)s)),
                  core.release_of(%(collection)s, %(period)s, %(inputs_hash)s)""",
        {"collection": collection, "period": period, "inputs_hash": inputs_hash},
    ).fetchall()[0]
    return previous, there


def _store(connection: psycopg.Connection, given: ReleaseInputs, tables: dict[str, pl.DataFrame]) -> Built:
    """Stores a release with its rows and what it rests on, unless one of the same figures stands: then only that is noted."""
    release = {
        "release_id": given.release_id,
        "collection": given.collection,
        "period": given.period,
        "inputs_hash": given.inputs_hash,
        "reference_version": reference.version(),
        "code_version": versions.method_version(given.collection),
        "submissions": given.own["submission_id"].sort().to_list(),
        "is_sample": bool(given.own["is_sample"].any()),
    }
    release["figures_hash"] = figures_hash(tables)
    if same := connection.execute(sql.text("releases/add_computed_again"), release).fetchone():
        return Built(str(same[0]))
    added = connection.execute(sql.text("releases/add_release"), release).fetchone()
    if added is None:
        return Built(given.release_id)  # another worker has
    (key,) = added
    for table, frame in tables.items():
        warehouse.copy(connection, table, frame, release_key=key)
    basis.store(connection, key, given.basis)
    return Built(given.release_id, tables["measure"].height, True)


def _store_moves(connection: psycopg.Connection, release_id: str, moved: pl.DataFrame, previous: str | None) -> None:
    """Stores why the figures of a release are not those of the release that stands, once."""
    if previous in (None, release_id) or not basis.of_release(connection, str(previous)):
        return
    new = connection.execute(
        """INSERT INTO core.explained (release_key, previous_release_key) VALUES (core.key_of(%s), core.key_of(%s))
           ON CONFLICT DO NOTHING RETURNING release_key, previous_release_key""",
        [release_id, previous],
    ).fetchone()
    if new:
        warehouse.copy(connection, "movement", moved, release_key=new[0], previous_release_key=new[1])
