"""Refreshes the engagement timeline: the programme's dated events, and what follows from submissions, decisions and releases."""

from datetime import UTC, datetime

from .. import sql
from ..stores import warehouse

PARTS = ("programme", "recurring", "successions", "returns", "decisions", "releases", "benchmarked")


def refresh(now: datetime | None = None) -> dict:
    """Makes the timeline anew beside the old one and changes only what differs, in one transaction.

    Args:
        now: what "missing at close" is judged by; the present if None.

    Returns:
        how many events there are, and how many were added and removed.
    """
    with warehouse.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('timeline'))")
        connection.execute("CREATE TEMP TABLE made (LIKE core.timeline INCLUDING ALL) ON COMMIT DROP")
        for part in PARTS:
            connection.execute(sql.text(f"timeline/{part}.sql"), {"now": now or datetime.now(UTC)})
        removed = connection.execute(
            "DELETE FROM core.timeline t WHERE NOT EXISTS (SELECT FROM made m WHERE m.event_id = t.event_id AND m IS NOT DISTINCT FROM t)"
        ).rowcount
        added = connection.execute(
            "INSERT INTO core.timeline SELECT * FROM made ON CONFLICT (event_id) DO NOTHING"
        ).rowcount
        events = connection.execute("SELECT count(*) FROM core.timeline").fetchone()[0]
    return {"events": events, "added": added, "removed": removed}
