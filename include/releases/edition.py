"""Editions: the one step that moves pointers, all of them in one transaction, to a set of releases over all collections and periods."""

import hashlib
from dataclasses import dataclass

import psycopg

from . import reasons as revise

Pair = tuple[str, str]  # collection and period


class Unknown(LookupError):
    """What was asked for is not there or cannot be done; the message says so in a sentence."""


@dataclass(frozen=True)
class Switched:
    """Where the pointers stand after a step.

    Attributes:
        number: of the switch; None where nothing was ever published.
        edition_id: the current edition.
        changed: how many pointers moved; 0: the step added nothing.
        at: since when, as the database says.
    """

    number: int | None
    edition_id: str | None
    changed: int
    at: object


def name(stands: dict[Pair, str]) -> str:
    """The edition's name, made of its releases: the same set has the same name."""
    lines = sorted("|".join((*pair, release_id)) for pair, release_id in stands.items())
    return "edition-" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def lock(connection: psycopg.Connection) -> None:
    """One switch at a time, until the caller's transaction ends; readers never wait for it."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('edition'))")


def standing(connection: psycopg.Connection) -> dict[Pair, str]:
    """(collection, period) -> its current release."""
    rows = connection.execute("SELECT collection, period, release_id FROM core.current_release")
    return {(collection, period): release_id for collection, period, release_id in rows}


def move(
    connection: psycopg.Connection,
    moves: dict[Pair, str | None],
    *,
    kind: str = "switch",
    reason: str = "",
    person: str | None = None,
) -> Switched:
    """Makes the edition that has these releases instead of those that stand, and moves the pointers, in the caller's transaction.

    Args:
        moves: (collection, period) -> the release that is to stand; None: nothing is. What stands there already is no move.
        kind: 'switch' or 'rollback'.
        reason: a person's words; empty: it is put together from what changed.

    Raises:
        psycopg.errors.ForeignKeyViolation: when a release is not there.
    """
    with connection.transaction():
        lock(connection)
        stands = standing(connection)
        moves = {pair: release_id for pair, release_id in moves.items() if stands.get(pair) != release_id}
        last = connection.execute(
            "SELECT number, edition_id, switched_at FROM core.edition_switch ORDER BY number DESC LIMIT 1"
        ).fetchone() or (None, None, None)
        if not moves:
            return Switched(last[0], last[1], 0, last[2])
        wanted = {pair: release_id for pair, release_id in (stands | moves).items() if release_id is not None}
        edition_id = name(wanted)
        connection.execute(
            "INSERT INTO core.edition (edition_id, previous) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [edition_id, last[1]],
        )
        connection.execute(
            """INSERT INTO core.edition_release (edition_id, collection, period, release_id)
               SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING""",
            [edition_id, [c for c, _ in wanted], [p for _, p in wanted], list(wanted.values())],
        )
        steps = [(*pair, stands.get(pair), release_id) for pair, release_id in sorted(moves.items())]
        reasons = {pair: revise.told(reason, kind) for pair in moves} if kind == "rollback" else {}
        final = _final(connection, steps)
        for collection, period, previous, release_id in steps:
            if kind == "switch" and (collection, period) in final:
                reasons[collection, period] = revise.reason(connection, previous, release_id, reason)
        number, at = connection.execute(
            """INSERT INTO core.edition_switch (number, edition_id, previous_edition_id, kind, switched_at, releases, changed, person, reason)
               -- a moment of its own, after all others: what stood at a moment is one edition
               SELECT coalesce(max(number), 0) + 1, %s, %s, %s,
                      greatest(clock_timestamp(), max(switched_at) + interval '1 microsecond'), %s, %s, %s, %s
               FROM core.edition_switch RETURNING number, switched_at""",
            [edition_id, last[1], kind, len(wanted), len(moves), person, revise.summary(steps, reason, kind)],
        ).fetchone()
        _revise(connection, [step for step in steps if step[:2] in final], reasons, at)
        if kind == "rollback":
            _explain_rollback(connection, steps)
        _point(connection, moves, at)
        return Switched(number, edition_id, len(moves), at)


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
    target = find(connection, edition)
    stands = standing(connection)
    wanted = contents(connection, target)
    moves = {pair: wanted.get(pair) for pair in stands.keys() | wanted.keys() if stands.get(pair) != wanted.get(pair)}
    if not moves:
        raise Unknown(f"{target} is the current edition: there is nothing to roll back.")
    left = [stands[pair] for pair in moves if pair in stands]
    connection.execute(
        """INSERT INTO core.release_verdict (release_id, verdict, person, reason)
           SELECT release_id, 'withdrawn', %s, %s FROM unnest(%s::text[]) AS l (release_id)
           UNION ALL
           SELECT w.release_id, 'released', %s, %s FROM unnest(%s::text[]) AS w (release_id)
           WHERE 'withdrawn' = (SELECT v.verdict FROM core.release_verdict v WHERE v.release_id = w.release_id
                                ORDER BY v.verdict_id DESC LIMIT 1)""",
        [person, reason, sorted(left), person, reason, sorted(one for one in moves.values() if one)],
    )
    return move(connection, moves, kind="rollback", reason=reason, person=person)


def find(connection: psycopg.Connection, edition: str | int | None) -> str:
    """The id of an edition by its id or the number of a switch; None: of the one that stood before the current one was made current by the pipeline.

    Raises:
        Unknown: when there is none.
    """
    if edition is None:
        row = connection.execute(
            """SELECT w.previous_edition_id FROM core.edition_switch w WHERE w.kind = 'switch' AND w.edition_id =
                 (SELECT edition_id FROM core.edition_switch ORDER BY number DESC LIMIT 1) ORDER BY w.number DESC LIMIT 1"""
        ).fetchone()
        if row is None or row[0] is None:
            raise Unknown("There is no edition before the current one.")
        return row[0]
    row = connection.execute(
        "SELECT edition_id FROM core.edition_switch WHERE edition_id = %s OR number::text = %s LIMIT 1",
        [str(edition), str(edition)],
    ).fetchone()
    if row is None:
        raise Unknown(f"There is no edition {edition}. List them: trust-benchmarks editions")
    return row[0]


def contents(connection: psycopg.Connection, edition_id: str) -> dict[Pair, str]:
    """(collection, period) -> the release that an edition has."""
    rows = connection.execute(
        "SELECT collection, period, release_id FROM core.edition_release WHERE edition_id = %s", [edition_id]
    )
    return {(collection, period): release_id for collection, period, release_id in rows}


def current(connection: psycopg.Connection) -> str | None:
    """The id of the current edition; None: nothing was ever published."""
    row = connection.execute("SELECT edition_id FROM core.edition_switch ORDER BY number DESC LIMIT 1").fetchone()
    return row[0] if row else None


# The parts of a move --------------------------------------------------------------------------------------------------

# The values that differ between the two releases of s.
MOVED = """SELECT metric_id, provider_code, o.value AS before, n.value AS after
           FROM (SELECT metric_id, provider_code, value FROM core.measure WHERE release_id = s.previous) o
           FULL JOIN (SELECT metric_id, provider_code, value FROM core.measure WHERE release_id = s.release_id) n
             USING (metric_id, provider_code)
           WHERE o.value IS DISTINCT FROM n.value"""
STEPS = "unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS s (collection, period, previous, release_id)"


def _columns(steps) -> list[list]:
    return [list(column) for column in zip(*steps, strict=True)] if steps else [[], [], [], []]


def _final(connection, steps) -> set[Pair]:
    """Those of the pairs that are final and have been published before: their figures change in numbered revisions only."""
    rows = connection.execute(
        f"""SELECT s.collection, s.period FROM {STEPS} JOIN core.calendar k USING (collection, period)
            WHERE k.final_from <= clock_timestamp()
            AND EXISTS (SELECT FROM core.release_log l WHERE (l.collection, l.period) = (s.collection, s.period) AND l.release_id IS NOT NULL)""",
        _columns(steps),
    )
    return set(rows.fetchall())


def _revise(connection, steps, reasons: dict[Pair, str], at) -> None:
    if not steps:
        return
    connection.execute(
        f"""INSERT INTO core.revision (collection, period, revision, release_id, previous_release_id, published_at, values_changed, reason)
            SELECT s.collection, s.period,
                   1 + coalesce((SELECT max(v.revision) FROM core.revision v WHERE (v.collection, v.period) = (s.collection, s.period)), 0),
                   s.release_id, s.previous, %s, coalesce(m.changed, 0), r.reason
            FROM {STEPS} JOIN unnest(%s::text[], %s::text[], %s::text[]) AS r (collection, period, reason) USING (collection, period)
            CROSS JOIN LATERAL (
              SELECT count(*) AS changed FROM ({MOVED}) d) m""",
        [at, *_columns(steps), *_columns([(*pair, words) for pair, words in reasons.items()])],
    )


def _explain_rollback(connection, steps) -> None:
    """Why figures moved, where no causes are known for the way back: one step, the rollback."""
    steps = [step for step in steps if step[2] and step[3]]
    new = connection.execute(
        f"""INSERT INTO core.explained (release_id, previous_release_id) SELECT s.release_id, s.previous FROM {STEPS}
            ON CONFLICT DO NOTHING RETURNING release_id, previous_release_id""",
        _columns(steps),
    ).fetchall()
    connection.execute(
        f"""INSERT INTO core.movement (release_id, previous_release_id, metric_id, provider_code, step, cause, value_before, value_after)
           SELECT s.release_id, s.previous, m.metric_id, m.provider_code, 1, 'rollback', m.before, m.after
           FROM unnest(%s::text[], %s::text[]) AS s (release_id, previous)
           CROSS JOIN LATERAL ({MOVED}) m""",
        [[one for one, _ in new], [previous for _, previous in new]],
    )


def _point(connection, moves: dict[Pair, str | None], at) -> None:
    kept = [(*pair, release_id) for pair, release_id in sorted(moves.items()) if release_id is not None]
    gone = [pair for pair, release_id in sorted(moves.items()) if release_id is None]
    if kept:
        connection.execute(
            """INSERT INTO core.current_release (collection, period, release_id, published_at)
               SELECT *, %s::timestamptz FROM unnest(%s::text[], %s::text[], %s::text[])
               ON CONFLICT (collection, period) DO UPDATE SET release_id = excluded.release_id, published_at = excluded.published_at""",
            [at, *_columns(kept)],
        )
    if gone:
        connection.execute(
            """DELETE FROM core.current_release
               WHERE (collection, period) IN (SELECT * FROM unnest(%s::text[], %s::text[]))""",
            _columns(gone),
        )
