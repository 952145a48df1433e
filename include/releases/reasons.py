"""Why a release took the place of another, in words put together from facts: the reasons of revisions and of switches."""

from collections import Counter

import psycopg

from . import movements as explain

NAMED = 3  # returns that a reason names for each cause


def told(words: str, kind: str) -> str:
    """A person's words for a revision."""
    return f"Rolled back: {words}" if kind == "rollback" else words


def summary(steps: list[tuple], words: str, kind: str) -> str:
    """A switch in one line: a person's words, and what moved.

    Args:
        steps: (collection, period, the release before, the release after), with None for nothing.
    """
    counts = Counter(collection for collection, *_ in steps)
    what = ", ".join(f"{collection} {count}" for collection, count in sorted(counts.items()))
    moved = f"{len(steps)} release{'s' if len(steps) != 1 else ''}: {what}."
    return " ".join(part for part in (told(words, kind), moved) if part)


def reason(connection: psycopg.Connection, previous: str | None, release_id: str | None, words: str = "") -> str:
    """Why the one release follows the other: a person's words, versions of code and reference data, and each return that differs.

    It is never empty: where nothing is known of what the releases rest on, it says that.
    """
    if previous is None or release_id is None:
        facts = ["Published again." if previous is None else "Nothing counts any more."]
    else:
        facts = _versions(connection, previous, release_id) + _returns(connection, previous, release_id)
        if not facts:
            kept = explain.rests_of(connection, previous) and explain.rests_of(connection, release_id)
            facts = ["Who was expected, or by when." if kept else "What one of the two releases rests on was not kept."]
    return " ".join([words.strip(), *facts]).strip()


def _versions(connection, previous: str, release_id: str) -> list[str]:
    (code, known), (new_code, new_known) = (
        connection.execute(
            "SELECT code_version, reference_version FROM core.release WHERE release_id = %s", [one]
        ).fetchone()
        for one in (previous, release_id)
    )
    found = [f"Code or definition: {code} to {new_code}."] if code != new_code else []
    return found + ([f"Reference data: {known[:12]} to {new_known[:12]}."] if known != new_known else [])


def _returns(connection, previous: str, release_id: str) -> list[str]:
    found = []
    changed = explain.differences(connection, previous, release_id)
    for cause in explain.CAUSES:
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


def _named(one: explain.Difference) -> str:
    versions = {(None, None): "", (one.was, None): f" (version {one.was})", (None, one.now): f" (version {one.now})"}
    changed = versions.get((one.was, one.now), f" (version {one.now} for {one.was})" if one.was != one.now else "")
    return f"{one.collection} {one.period} of {one.sender}{f' {one.part}' if one.part else ''}{changed}"
