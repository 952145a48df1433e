"""Requests of people to validate submissions again by the rules in force."""

import psycopg

from .. import sql


def planned(connection: psycopg.Connection, collection: str, period: str | None, accepted_too: bool) -> dict[str, int]:
    """How many submissions a request would validate again, and how many were validated by the rules in force.

    Returns:
        {"held", "accepted": to be validated again; "current": validated by the rules in force, so they are left alone}
    """
    values = {"collection": collection, "period": period, "accepted_too": accepted_too}
    found = {"held": 0, "accepted": 0, "current": 0}
    for is_held, is_current, count in connection.execute(sql.text("records/revalidation_planned.sql"), values):
        found["current" if is_current else "held" if is_held else "accepted"] += count
    return found


def ask(
    connection: psycopg.Connection, collection: str, period: str | None, accepted_too: bool, person: str, reason: str
) -> bool:
    """Notes that somebody wants submissions validated again by the rules in force; False when that was asked for before.

    What was validated by other rules, before this was asked, waits from then on.
    """
    values = {
        "collection": collection,
        "period": period,
        "accepted_too": accepted_too,
        "person": person,
        "reason": reason,
    }
    return bool(connection.execute(sql.text("records/request_revalidation.sql"), values).rowcount)
