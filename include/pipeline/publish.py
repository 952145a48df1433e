"""Publishes figures: finds what changed, computes it from what counts, stores it as a release and moves the pointer to it."""

import polars as pl
import psycopg

from .. import reference
from ..stores import warehouse
from . import explain, gather
from .calendar_load import expect
from .figures import figures


def stale(connection: psycopg.Connection | None = None) -> list[list[str]]:
    """The (collection, period) pairs whose figures do not rest on what counts now, oldest period first.

    A period that has submissions which were received in the last hour and wait for validation is left for
    when they are done, so that a month is not published once for every file.

    Args:
        connection: to look in the caller's transaction.
    """
    if connection is None:
        with warehouse.connect() as own:
            return stale(own)
    current = _published(connection)
    busy = set(
        connection.execute(
            "SELECT DISTINCT collection, period FROM intake.waiting WHERE registered_at > now() - interval '1 hour'"
        ).fetchall()
    )
    found = [
        [collection, period]
        for (collection, period), inputs_hash in due(connection).items()
        if inputs_hash != current.get((collection, period)) and not busy & set(gather.rests_on(collection, period))
    ]
    return sorted(found, key=lambda pair: (pair[1], pair[0]))


def due(connection: psycopg.Connection) -> dict[tuple[str, str], str]:
    """(collection, period) -> the hash of what its release should rest on now, for all that is or should be published."""
    prints, current = gather.fingerprints(connection), _published(connection)
    # What was published is made anew also when nothing counts any more, so that it does not stay.
    shown = [pair for pair, (counts, _) in prints.items() if counts or pair in current]
    return {pair: gather.inputs_hash(prints, gather.rests_on(*pair)) for pair in shown}


def _published(connection: psycopg.Connection) -> dict[tuple[str, str], str]:
    rows = connection.execute(
        "SELECT r.collection, r.period, r.inputs_hash FROM core.current_release JOIN core.release r USING (release_id)"
    )
    return {(collection, period): inputs_hash for collection, period, inputs_hash in rows}


def refresh(collection: str, period: str) -> dict:
    """Computes and publishes the figures of one collection and period.

    Returns:
        {"release_id", "measures", "new"}: new is False when this release was there already or inputs moved meanwhile.
    """
    expect(collection, {period})
    with warehouse.connect() as connection:
        release_id, _ = gather.next_release(connection, collection, period)
        if _switch(connection, collection, period, release_id):
            return {"release_id": release_id, "measures": None, "new": False}
        gathered = gather.gather(connection, collection, period)
        previous = _current(connection, collection, period)
        before, steps = _moves(connection, gathered, previous)
    tables, own = figures(gathered), gathered.own
    moved = explain.movements(before, steps, tables["measure"].select("metric_id", "provider_code", "value"))
    with warehouse.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"release {collection} {period}"])
        if gather.next_release(connection, collection, period)[1] != gathered.inputs_hash:
            return {"release_id": gathered.release_id, "measures": None, "new": False}
        added = connection.execute(
            """INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
            [
                gathered.release_id,
                collection,
                period,
                gathered.inputs_hash,
                reference.version(),
                gather.code_version(),
                own["submission_id"].sort().to_list(),
                bool(own["is_sample"].any()),
            ],
        ).rowcount
        if added:
            for table, frame in tables.items():
                warehouse.copy(connection, table, frame, release_id=gathered.release_id)
            _keep_reasons(connection, gathered, moved, previous)
        _switch(connection, collection, period, gathered.release_id)
    return {"release_id": gathered.release_id, "measures": tables["measure"].height, "new": bool(added)}


def _current(connection: psycopg.Connection, collection: str, period: str) -> str | None:
    row = connection.execute(
        "SELECT release_id FROM core.current_release WHERE collection = %s AND period = %s", [collection, period]
    ).fetchone()
    return row[0] if row else None


def _moves(connection, gathered: gather.Gathered, previous: str | None) -> tuple[pl.DataFrame, list[explain.Step]]:
    """The values of the current release, and the steps from it to the one that is being made; nothing at the first."""
    nothing = {"metric_id": pl.String, "provider_code": pl.String, "value": pl.Float64}
    known = "SELECT metric_id, provider_code, value FROM core.measure WHERE release_id = %s"
    explained = "SELECT EXISTS (SELECT FROM core.release_input WHERE release_id = %s)"
    if previous is None or not connection.execute(explained, [previous]).fetchone()[0]:
        return pl.DataFrame(schema=nothing), []
    collection, period = gathered.collection, gathered.period
    steps = explain.plan(
        connection,
        previous,
        gathered.rests,
        (gather.code_version(), reference.version()),
        lambda rests: gather.inputs_of(connection, collection, period, rests)[0],
    )
    return gather.as_frame(connection, known, [previous], nothing), steps


def _keep_reasons(connection, gathered: gather.Gathered, moved: pl.DataFrame, previous: str | None) -> None:
    """Stores what a new release rests on, and why its figures are not those of the release before it."""
    rests = [(one, rules, counts) for one, (rules, counts) in gathered.rests.items()]
    schema = {"submission_id": pl.String, "rules_version": pl.String, "counts": pl.Boolean}
    frame = pl.DataFrame(rests, schema=schema, orient="row")
    warehouse.copy(connection, "release_input", frame, release_id=gathered.release_id)
    warehouse.copy(connection, "movement", moved, release_id=gathered.release_id, previous_release_id=previous)


def _switch(connection, collection, period, release_id) -> bool:
    """Points to a release if it is there; a pointer that stands there already does not move. False if it is not there."""
    if not connection.execute("SELECT 1 FROM core.release WHERE release_id = %s", [release_id]).fetchone():
        return False
    connection.execute(
        """INSERT INTO core.current_release AS c (collection, period, release_id) VALUES (%s, %s, %s)
           ON CONFLICT (collection, period) DO UPDATE SET release_id = excluded.release_id, published_at = clock_timestamp()
           WHERE c.release_id <> excluded.release_id""",
        [collection, period, release_id],
    )
    return True
