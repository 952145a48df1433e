"""Why a release took the place of another, in words put together from facts: the reasons of revisions and of switches."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from . import basis, causes
from .dependencies import Pair

NAMED = 3  # returns that a reason names for each cause


class Move(NamedTuple):
    """A pointer's way from one release to another; None: nothing stands."""

    collection: str
    period: str
    previous: str | None
    release_id: str | None

    @property
    def pair(self) -> Pair:
        """Its collection and period."""
        return self.collection, self.period


def in_words(reason: str, kind: str) -> str:
    """A person's reason for a revision."""
    return f"Rolled back: {reason}" if kind == "rollback" else reason


def summary(moves: Sequence[Move], reason: str, kind: str) -> str:
    """A switch in one line: a person's reason, and what moved."""
    counts = Counter(one.collection for one in moves)
    what = ", ".join(f"{collection} {count}" for collection, count in sorted(counts.items()))
    moved = f"{len(moves)} release{'s' if len(moves) != 1 else ''}: {what}."
    return " ".join(part for part in (in_words(reason, kind), moved) if part)


def reason(connection: psycopg.Connection, previous: str | None, release_id: str | None, words: str = "") -> str:
    """Why the one release follows the other: a person's words, versions of code and reference data, and each return that differs.

    It is never empty: where nothing is known of what the releases rest on, it says that.
    """
    if previous is None or release_id is None:
        facts = ["Published again." if previous is None else "Nothing counts any more."]
    else:
        facts = _versions(connection, previous, release_id) + _returns(connection, previous, release_id)
        if not facts:
            kept = basis.of_release(connection, previous) and basis.of_release(connection, release_id)
            facts = ["Who was expected, or by when." if kept else "What one of the two releases rests on was not kept."]
    return " ".join([words.strip(), *facts]).strip()


def _versions(connection: psycopg.Connection, previous: str, release_id: str) -> list[str]:
    made_by = "SELECT code_version, reference_version FROM core.release WHERE release_id = %s"
    (code, known), (new_code, new_known) = (
        connection.execute(made_by, [one]).fetchone() or ("", "") for one in (previous, release_id)
    )
    found = [f"Code or definition: {code} to {new_code}."] if code != new_code else []
    return found + ([f"Reference data: {known[:12]} to {new_known[:12]}."] if known != new_known else [])


def _returns(connection: psycopg.Connection, previous: str, release_id: str) -> list[str]:
    found = []
    changed = causes.differences(connection, previous, release_id)
    for cause in causes.CAUSES:
        mine = [one for one in changed if one.cause == cause]
        if mine:
            named = ", ".join(map(_named, mine[:NAMED]))
            more = f" and {len(mine) - NAMED} more" if len(mine) > NAMED else ""
            found.append(f"{cause.capitalize()}: {named}{more}.")
    numbers = sorted({number for one in changed for number in one.decisions})
    for number, kind, why in connection.execute(
        "SELECT decision_id, kind, reason FROM core.decision WHERE decision_id = ANY(%s) ORDER BY 1", [numbers]
    ):
        found.append(f"Decision {number} ({kind}): {why.strip()}")
    return found


def _named(one: causes.Difference) -> str:
    versions = {(None, None): "", (one.was, None): f" (version {one.was})", (None, one.now): f" (version {one.now})"}
    changed = versions.get((one.was, one.now), f" (version {one.now} for {one.was})" if one.was != one.now else "")
    return f"{one.collection} {one.period} of {one.sender}{f' {one.part}' if one.part else ''}{changed}"
