"""Refreshes the engagement timeline: the programme's dated events, and what follows from submissions, decisions and releases."""

import logging
from datetime import UTC, datetime
from typing import Any

import psycopg

from .. import sql
from ..stores import log, warehouse
from ..stores.faults import is_outage

PARTS = ("programme", "recurring", "successions", "returns", "decisions", "releases", "benchmarked")
BY_PERIOD = ("returns", "decisions", "releases", "benchmarked")  # made of facts about a collection and period

logger = logging.getLogger(__name__)


def refresh(now: datetime | None = None) -> dict[str, Any]:
    """Makes the timeline anew beside the old one and changes only what differs, in one transaction.

    Where a collection and period breaks this, its events stay as they are and all others are refreshed; so does a part that is not
    about periods.

    Args:
        now: what "missing at close" is judged by; the present if None.

    Returns:
        how many events there are, and how many were added and removed; and, where something failed, `failed`: what.
    """
    now = now or datetime.now(UTC)
    with warehouse.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('timeline'))")
        connection.execute("CREATE TEMP TABLE made (LIKE core.timeline INCLUDING ALL) ON COMMIT DROP")
        failed = [what for part in PARTS for what in _made(connection, part, now)]
        if failed:  # it is not known which events these would have: none is removed
            connection.execute("INSERT INTO made SELECT * FROM core.timeline ON CONFLICT (event_id) DO NOTHING")
        removed = connection.execute(
            "DELETE FROM core.timeline t WHERE NOT EXISTS (SELECT FROM made m WHERE m.event_id = t.event_id AND m IS NOT DISTINCT FROM t)"
        ).rowcount
        added = connection.execute(
            "INSERT INTO core.timeline SELECT * FROM made ON CONFLICT (event_id) DO NOTHING"
        ).rowcount
        ((events,),) = connection.execute("SELECT count(*) FROM core.timeline").fetchall()
    return {"events": events, "added": added, "removed": removed} | ({"failed": failed} if failed else {})


def _made(connection: psycopg.Connection, part: str, now: datetime) -> list[str]:
    """Makes the events of a part; where that fails, of each collection and period alone. Returns what failed."""
    everything = {"now": now, "collection": None, "period": None}
    if _tried(connection, part, everything):
        return []
    if part not in BY_PERIOD:
        return [part]
    pairs = connection.execute(
        """SELECT collection, period FROM core.submission WHERE period IS NOT NULL UNION SELECT collection, period FROM core.expected
           UNION SELECT collection, period FROM core.release ORDER BY 1, 2"""
    ).fetchall()
    return [
        f"{part} of {collection} {period}"
        for collection, period in pairs
        if not _tried(connection, part, {"now": now, "collection": collection, "period": period})
    ]


def _tried(connection: psycopg.Connection, part: str, given: dict[str, Any]) -> bool:
    try:
        with connection.transaction():
            connection.execute(sql.text(f"timeline/{part}.sql"), given)
        return True
    except psycopg.Error as problem:
        if is_outage(problem) or connection.closed:
            raise
        about = {name: value for name, value in given.items() if name != "now"}
        log.line(logger, "no_events", level=logging.ERROR, part=part, **about, problem=log.short(problem))
        return False
