"""Preview windows: a release is shown to the trusts in it for some working days before it is published (`preview` of a collection)."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from .. import catalogue, sql
from ..reference import calendar
from ..stores import warehouse
from . import editions, pointers
from .dependencies import Pair


class Preview(NamedTuple):
    """An offer of a release to its trusts: a row of core.preview_now.

    Attributes:
        ends_at: when it is published unless a person says otherwise.
        state: open, held (a person holds it back), ended, published, replaced or dropped.
        verdict: what a person said last of its release: released, withdrawn, offered or None.
    """

    preview_id: int
    collection: str
    period: str
    release_id: str
    offered_at: datetime
    ends_at: datetime
    state: str
    verdict: str | None
    edition_number: int | None


def is_declared(collection: str) -> bool:
    """Whether trusts see the releases of a collection first."""
    known = catalogue.all().get(collection)
    return known is not None and bool(known.preview)


def offer(connection: psycopg.Connection, releases: dict[Pair, str]) -> int:
    """Offers releases that are ready but for their preview; the caller holds the lock on editions. How many were offered.

    A release that takes the place of one whose window is still open keeps the end of that window; of one that a person holds back,
    it is held back too.
    """
    now = datetime.now(UTC)
    for (collection, period), release_id in releases.items():
        before = open_of(connection, collection, period)
        ends_at = before.ends_at if before and before.ends_at > now else calendar.preview_end(collection, period, now)
        given = {"collection": collection, "period": period, "release_id": release_id, "ends_at": ends_at}
        connection.execute(sql.text("releases/offer"), given)
        if before and before.state == "held":
            connection.execute(sql.text("releases/hold_too"), {"release_id": release_id, "before": before.release_id})
    return len(releases)


def close(connection: psycopg.Connection, wanted: Iterable[Pair]) -> None:
    """Notes which offers were published, and which are of no use any more because nothing else than what stands should stand.

    Args:
        wanted: every collection and period where something else should stand.
    """
    pairs = list(wanted)
    given = {"collections": [c for c, _ in pairs], "periods": [p for _, p in pairs]}
    connection.execute(sql.text("releases/close_previews"), given)


def open_of(connection: psycopg.Connection, collection: str, period: str) -> Preview | None:
    """The offer of a collection and period that has not been closed; None: there is none."""
    found = _find(connection, "(p.collection, p.period) = (%s, %s) AND p.outcome IS NULL", [collection, period])
    return found[0] if found else None


def get(connection: psycopg.Connection, preview_id: int) -> Preview:
    """An offer.

    Raises:
        editions.Unknown: there is none of that number.
    """
    found = _find(connection, "p.preview_id = %s", [preview_id])
    if not found:
        raise editions.Unknown(f"There is no preview {preview_id}. List them: trust-benchmarks preview list")
    return found[0]


def end_on(one: Preview, day: date) -> datetime:
    """The end of an offer on another day, at the time of day at which it ends."""
    return datetime.combine(day, one.ends_at.astimezone(calendar.LONDON).time(), calendar.LONDON)


def extend(preview_id: int, day: date, *, reason: str, person: str) -> datetime:
    """A person gives the trusts more time; the new end.

    Raises:
        editions.Unknown: it is over, or the day is not later than its end.
    """
    with warehouse.connect() as connection:
        one = _in_reach(connection, preview_id)
        until = end_on(one, day)
        if until <= max(one.ends_at, datetime.now(UTC)):
            raise editions.Unknown(
                "A preview is only ever made longer: give a later day. To publish earlier, release it."
            )
        _extend(connection, preview_id, until, reason, person)
        return until


def hold(preview_id: int, *, reason: str, person: str) -> None:
    """A person holds the release back: it is not published, also not when its window ends, until somebody offers or releases it.

    Raises:
        editions.Unknown: it is over, or held back already.
    """
    with warehouse.connect() as connection:
        one = _in_reach(connection, preview_id)
        if one.state == "held":
            raise editions.Unknown(f"Preview {preview_id} is held back already.")
        _say(connection, one.release_id, "withdrawn", reason, person)


def offer_again(preview_id: int, *, reason: str, person: str) -> None:
    """A person lets a release that was held back go its way; where its window has ended, it gets a new one.

    Raises:
        editions.Unknown: it is over, or not held back.
    """
    with warehouse.connect() as connection:
        one = _in_reach(connection, preview_id)
        if one.state != "held":
            raise editions.Unknown(f"Preview {preview_id} is not held back.")
        _say(connection, one.release_id, "offered", reason, person)
        now = datetime.now(UTC)
        if one.ends_at <= now:
            _extend(connection, preview_id, calendar.preview_end(one.collection, one.period, now), reason, person)


def let_into_preview(release_id: str, *, reason: str, person: str) -> None:
    """A person lets a release that a check holds back go its way, through its preview window.

    Raises:
        editions.Unknown: there is no such release of a collection with a preview.
    """
    with warehouse.connect() as connection:
        row = connection.execute("SELECT collection FROM core.release WHERE release_id = %s", [release_id]).fetchone()
        if row is None or not is_declared(row[0]):
            raise editions.Unknown(f"There is no release {release_id} of a collection with a preview.")
        _say(connection, release_id, "offered", reason, person)


def _in_reach(connection: psycopg.Connection, preview_id: int) -> Preview:
    pointers.lock(connection)
    one = get(connection, preview_id)
    if one.state in ("published", "replaced", "dropped"):
        raise editions.Unknown(f"Preview {preview_id} is over: its release was {one.state}.")
    return one


def _find(connection: psycopg.Connection, condition: str, values: list[object]) -> list[Preview]:
    query = f"""SELECT p.preview_id, p.collection, p.period, r.release_id, p.offered_at, p.ends_at, p.state, p.verdict, p.edition_number
                FROM core.preview_now p JOIN core.release r USING (release_key) WHERE {condition} ORDER BY p.preview_id DESC"""
    with connection.cursor(row_factory=class_row(Preview)) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def _extend(connection: psycopg.Connection, preview_id: int, until: datetime, reason: str, person: str) -> None:
    connection.execute(
        "INSERT INTO core.preview_extension (preview_id, ends_at, person, reason) VALUES (%s, %s, %s, %s)",
        [preview_id, until, person, reason],
    )


def _say(connection: psycopg.Connection, release_id: str, verdict: str, reason: str, person: str) -> None:
    connection.execute(
        "INSERT INTO core.release_verdict (release_key, verdict, person, reason) VALUES (core.key_of(%s), %s, %s, %s)",
        [release_id, verdict, person, reason],
    )
