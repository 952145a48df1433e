"""Which submission of a return is included in figures: the pointer in core.counting."""

import psycopg

from .. import sql
from .submission import Return


def lock(connection: psycopg.Connection, of: Return) -> None:
    """Waits until no other transaction moves the pointer of this return; held until this transaction ends."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext(concat_ws('|', 'counting', %s::text, %s::text, %s::text, %s::text)))", of
    )


def point_to_newest_accepted(connection: psycopg.Connection, submission_id: str) -> None:
    """Points to the newest accepted version of a submission's return, a real one before a sample; to none where all are held.

    The caller holds the lock of that return. A pointer that is already right does not move.
    """
    row = connection.execute(sql.text("records/newest_accepted.sql"), {"submission_id": submission_id}).fetchone()
    if row is None:
        return
    *chain, newest, rules_version = row
    if None in chain:
        return
    values = dict(zip(Return._fields, chain, strict=True))
    if newest is None:
        connection.execute(sql.text("records/point_to_none.sql"), values)
    else:
        values |= {"submission_id": newest, "rules_version": rules_version}
        connection.execute(sql.text("records/point.sql"), values)
