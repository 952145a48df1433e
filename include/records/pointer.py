"""Which submission of a return is included in figures: the pointer in core.counting."""

from collections.abc import Sequence

import psycopg

from .. import sql
from .submission import Return


def lock(connection: psycopg.Connection, returns: Sequence[Return]) -> None:
    """Waits until no other transaction moves the pointers of these returns; held until this transaction ends."""
    columns = {name: [getattr(one, name) for one in returns] for name in Return._fields}
    connection.execute(sql.text("records/lock_returns.sql"), columns)


def point_to_newest_accepted(connection: psycopg.Connection, submission_ids: list[str]) -> None:
    """Points to the newest accepted version of these submissions' returns, a real one before a sample; to none where all are held.

    The caller holds the locks of those returns. A pointer that is already right does not move.
    """
    rows = connection.execute(sql.text("records/newest_accepted.sql"), {"submission_ids": submission_ids}).fetchall()
    names = (*Return._fields, "submission_id", "rules_version")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(sql.text("records/point"), [one for one in found if one["submission_id"]])
        cursor.executemany(sql.text("records/point_to_none"), [one for one in found if not one["submission_id"]])
