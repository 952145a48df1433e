"""Moves the pointers to the releases that are published: all of them in one transaction, to one edition."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import psycopg

from .. import sql
from . import editions, reasons
from .dependencies import Pair
from .editions import Switched, Unknown
from .reasons import Move


def lock(connection: psycopg.Connection) -> None:
    """One switch at a time, until the caller's transaction ends; readers never wait for it."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('edition'))")


def move(
    connection: psycopg.Connection,
    wanted: Mapping[Pair, str | None],
    *,
    kind: str = "switch",
    reason: str = "",
    person: str | None = None,
) -> Switched:
    """Makes the edition that has these releases instead of those that stand, and moves the pointers, in the caller's transaction.

    Args:
        wanted: (collection, period) -> the release to be published; None: nothing. What is already published is not moved.
        kind: 'switch' or 'rollback'.
        reason: a person's words; empty: it is put together from what changed.

    Raises:
        psycopg.errors.NotNullViolation: when a release is not there.
        psycopg.errors.ForeignKeyViolation: when it is one of another collection or period.
    """
    with connection.transaction():
        lock(connection)
        stands, last = editions.standing(connection), editions.last_switch(connection)
        moves = [
            Move(*pair, stands.get(pair), release_id)
            for pair, release_id in sorted(wanted.items())
            if stands.get(pair) != release_id
        ]
        if not moves:
            return last
        new = stands | {one.pair: one.release_id for one in moves}
        contents = {pair: release_id for pair, release_id in new.items() if release_id is not None}
        edition_id = _add_edition(connection, contents, last.edition_id)
        final = _final(connection, moves)
        why = {one.pair: _reason(connection, one, kind, reason) for one in moves if one.pair in final}
        number, at = connection.execute(
            sql.text("releases/add_switch"),
            {
                "edition": edition_id,
                "previous": last.edition_id,
                "kind": kind,
                "releases": len(contents),
                "changed": len(moves),
                "person": person,
                "reason": reasons.summary(moves, reason, kind),
            },
        ).fetchall()[0]
        _revise(connection, [one for one in moves if one.pair in final], why, at)
        if kind == "rollback":
            _explain_rollback(connection, moves)
        _point(connection, moves, at)
        return Switched(number, edition_id, at, len(moves))


def rollback(connection: psycopg.Connection, edition: str | int | None = None, *, reason: str, person: str) -> Switched:
    """Moves every pointer back to where an edition has it, and withdraws the releases that are left, in the caller's transaction.

    What is withdrawn does not come back with the next refresh; a release that was withdrawn before and stands again is released. So
    the rollback is undone by a rollback to the edition that was left.

    Args:
        edition: its id, or the number of a switch; None: the one before the current one.

    Raises:
        Unknown: when there is no such edition, or it is the current one.
    """
    lock(connection)
    target = editions.find(connection, edition)
    stands, then = editions.standing(connection), editions.contents(connection, target)
    wanted = {pair: then.get(pair) for pair in stands.keys() | then.keys() if stands.get(pair) != then.get(pair)}
    if not wanted:
        raise Unknown(f"{target} is the current edition: there is nothing to roll back.")
    connection.execute(
        sql.text("releases/withdraw"),
        {
            "left": sorted(stands[pair] for pair in wanted if pair in stands),
            "again": sorted(one for one in wanted.values() if one),
            "person": person,
            "reason": reason,
        },
    )
    return move(connection, wanted, kind="rollback", reason=reason, person=person)


# The parts of a move --------------------------------------------------------------------------------------------------


def _columns(moves: Sequence[Move]) -> dict[str, list[str | None]]:
    """Moves as the arrays that the SQL files take."""
    return {
        "collections": [one.collection for one in moves],
        "periods": [one.period for one in moves],
        "previous": [one.previous for one in moves],
        "releases": [one.release_id for one in moves],
    }


def _add_edition(connection: psycopg.Connection, contents: editions.Contents, previous: str | None) -> str:
    edition_id = editions.name(contents)
    connection.execute(
        "INSERT INTO core.edition (edition_id, previous) VALUES (%s, %s) ON CONFLICT DO NOTHING", [edition_id, previous]
    )
    connection.execute(
        """INSERT INTO core.edition_release (edition_id, collection, period, release_key)
           SELECT %s, s.collection, s.period, core.key_of(s.release_id)
           FROM unnest(%s::text[], %s::text[], %s::text[]) AS s (collection, period, release_id) ON CONFLICT DO NOTHING""",
        [edition_id, [c for c, _ in contents], [p for _, p in contents], list(contents.values())],
    )
    return edition_id


def _reason(connection: psycopg.Connection, one: Move, kind: str, reason: str) -> str:
    if kind == "rollback":
        return reasons.in_words(reason, kind)
    return reasons.reason(connection, one.previous, one.release_id, reason)


def _final(connection: psycopg.Connection, moves: Sequence[Move]) -> set[Pair]:
    """Those of the pairs that are final and have been published before: their figures change in numbered revisions only."""
    rows = connection.execute(sql.text("releases/final"), _columns(moves))
    return {(collection, period) for collection, period in rows}


def _revise(connection: psycopg.Connection, moves: Sequence[Move], why: dict[Pair, str], at: datetime) -> None:
    if moves:
        given = {**_columns(moves), "reasons": [why[one.pair] for one in moves], "at": at}
        connection.execute(sql.text("releases/revise"), given)


def _explain_rollback(connection: psycopg.Connection, moves: Sequence[Move]) -> None:
    """Why figures moved, where no causes are known for the way back: one step, the rollback."""
    connection.execute(
        sql.text("releases/explain_rollback"), _columns([one for one in moves if one.previous and one.release_id])
    )


def _point(connection: psycopg.Connection, moves: Sequence[Move], at: datetime) -> None:
    kept, gone = ([one for one in moves if (one.release_id is None) == is_gone] for is_gone in (False, True))
    if kept:
        connection.execute(sql.text("releases/point"), {**_columns(kept), "at": at})
    if gone:
        connection.execute(sql.text("releases/unpoint"), _columns(gone))
