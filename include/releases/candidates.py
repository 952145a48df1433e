"""What should be published and is not: which figures are stale, which releases are ready, and which wait for a person."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg.rows import class_row

from .. import sql
from ..stores import warehouse
from ..stores.faults import is_outage
from . import editions, previews
from .dependencies import Pair, rests_on
from .failures import log_failure
from .fingerprints import fingerprints, inputs_hash, store_fingerprints

logger = logging.getLogger(__name__)
SHOWN = 3  # messages of a release that is held back


@dataclass(frozen=True)
class Candidate:
    """What should stand for a collection and period and does not, and how far it is.

    Attributes:
        inputs_hash: of what counts now.
        standing: the current release; None: nothing is published.
        release_id: the release of what counts now; None: it has not been made.
        verdict: the last thing a person said about it: 'released', 'withdrawn', 'offered' (it may be shown to its trusts) or None.
        checked, failed: whether it was compared with the release that stands, and whether a check failed.
        explained: whether it is known why each figure moves.
        preview_ends: until when its trusts see it before anyone else; None: it was not offered to them.
        is_closed: whether its period has closed, so that its trusts are not shown another release with each return that comes in.
    """

    collection: str
    period: str
    inputs_hash: str
    standing: str | None
    release_id: str | None
    verdict: str | None
    checked: bool
    failed: bool
    explained: bool
    preview_ends: datetime | None = None
    is_closed: bool = True

    @property
    def pair(self) -> Pair:
        """Its collection and period."""
        return self.collection, self.period

    @property
    def blocked(self) -> bool:
        """Whether only a person or new inputs can change something: it was withdrawn, or a check holds it back."""
        return self.verdict == "withdrawn" or (self.failed and self.verdict is None)

    @property
    def is_sound(self) -> bool:
        """Whether it is made, checked and explained, and nothing holds it back."""
        return self.release_id is not None and self.checked and self.explained and not self.blocked

    @property
    def needs_preview(self) -> bool:
        """Whether its trusts see it first, and no person said that it is published without that; an offer that was made is kept."""
        is_wanted = previews.is_declared(self.collection) or self.preview_ends is not None
        return is_wanted and self.verdict != "released"

    @property
    def is_to_be_offered(self) -> bool:
        """Whether it is sound and its trusts are to see it, and its period has closed, and it was not offered to them yet."""
        return self.is_sound and self.needs_preview and self.preview_ends is None and self.is_closed

    @property
    def is_waiting(self) -> bool:
        """Whether it is sound, and published when its period has closed and its trusts have seen it."""
        return self.is_sound and self.needs_preview and not self.is_to_be_offered and not self._is_over

    @property
    def ready(self) -> bool:
        """Whether the next edition has it."""
        return self.is_sound and (not self.needs_preview or self._is_over)

    @property
    def _is_over(self) -> bool:
        return self.preview_ends is not None and self.preview_ends <= datetime.now(UTC)


@dataclass(frozen=True)
class HeldBack:
    """A release of what counts now that a check holds back, what stands instead, and what was found."""

    release_id: str
    collection: str
    period: str
    standing: str | None
    messages: list[str]


def stale() -> list[Pair]:
    """The (collection, period) pairs whose figures do not rest on what counts now, oldest period first.

    A period that has submissions which were registered in the last hour and never validated is left for
    when they are done, so that a month is not published once for every file. It also notes the fingerprints that it compares by. One whose release was withdrawn or is held
    back by a check waits for a person or for new inputs, one that its trusts see first for the end of that; neither is among them.
    """
    with warehouse.connect() as connection:
        store_fingerprints(connection)
    with warehouse.connect() as connection:
        busy = set(connection.execute(sql.text("releases/busy")).fetchall())
        found = [
            one.pair
            for one in find(connection)
            if not one.blocked and not one.is_waiting and not busy & set(rests_on(one.collection, one.period))
        ]
    return sorted(found, key=lambda pair: (pair[1], pair[0]))


def first_can_be_made() -> bool:
    """Whether nothing is published yet and something can be: nobody should wait for the first figures until the last file is read."""
    with warehouse.connect() as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM core.current_release)").fetchone()
    return row is not None and not row[0] and bool(stale())


def due(connection: psycopg.Connection) -> dict[Pair, str]:
    """(collection, period) -> the hash of what its release should rest on now, for all that is or should be published."""
    prints, current = fingerprints(connection), editions.standing(connection)
    # What was published is made anew also when nothing counts any more, so that it does not stay.
    shown = [pair for pair, one in prints.items() if one.counts or pair in current]
    hashes = {}
    for pair in shown:
        try:
            hashes[pair] = inputs_hash(prints, *pair)
        except Exception as problem:
            if is_outage(problem):
                raise
            log_failure(logger, "not_due", pair, problem)
    return hashes


def find(connection: psycopg.Connection) -> list[Candidate]:
    """Every collection and period where something else should stand than does."""
    wanted = due(connection)
    given = {
        "collections": [c for c, _ in wanted],
        "periods": [p for _, p in wanted],
        "hashes": list(wanted.values()),
    }
    with connection.cursor(row_factory=class_row(Candidate)) as cursor:
        return cursor.execute(sql.text("releases/candidates"), given).fetchall()


def held_back(connection: psycopg.Connection) -> list[HeldBack]:
    """The releases of what counts now that a check holds back."""
    return [
        HeldBack(one.release_id, one.collection, one.period, one.standing, _messages(connection, one))
        for one in find(connection)
        if one.release_id and one.failed and one.verdict is None
    ]


def _messages(connection: psycopg.Connection, one: Candidate) -> list[str]:
    rows = connection.execute(
        """SELECT message FROM core.release_check WHERE release_key = core.key_of(%s) AND against_key IS NOT DISTINCT FROM core.key_of(%s) AND NOT passed
           ORDER BY check_id, subject""",
        [one.release_id, one.standing],
    )
    return [message for (message,) in rows]


def what_to_do(held: list[HeldBack]) -> str:
    """What checks found and what to do, for the person who has to look."""
    lines = [
        f"{one.release_id} is held back, {one.standing or 'nothing'} stays: "
        + " ".join(one.messages[:SHOWN])
        + (f" (and {len(one.messages) - SHOWN} more)" if len(one.messages) > SHOWN else "")
        for one in held
    ]
    return (
        "\n".join(lines) + "\nIf it is right, publish it: trust-benchmarks release RELEASE --reason '...'. "
        "If it is not, correct what was sent; a new release follows by itself. docs/runbooks/README.md says more."
    )
