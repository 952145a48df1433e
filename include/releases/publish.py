"""Publishes figures: finds what changed, makes releases of it beside those that stand, checks them, and switches to those that hold."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import polars as pl
import psycopg

from .. import reference
from ..ingest.calendar_load import expect
from ..measures import versions
from ..stores import log, warehouse
from ..stores.faults import is_failure, is_outage
from . import checks as release_checks
from . import edition
from . import inputs as gather
from . import movements as explain
from .figures import figures

logger = logging.getLogger(__name__)
T = TypeVar("T")

GROWS = ("release", "measure", "series_rule", "peer_group", "peer")  # what views join that compute on reading


@dataclass(frozen=True)
class Candidate:
    """What should stand for a collection and period and does not, and how far it is.

    Attributes:
        inputs_hash: of what counts now.
        standing: the current release; None: nothing is published.
        release_id: the release named by what counts now; None: it has not been made.
        verdict: the last thing a person said about it: 'released', 'withdrawn' or None.
        checked, failed: whether it was compared with the release that stands, and whether a check failed.
        explained: whether it is known why each figure moves.
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

    @property
    def pair(self) -> edition.Pair:
        return self.collection, self.period

    @property
    def blocked(self) -> bool:
        """Whether only a person or new inputs can change something: it was withdrawn, or a check holds it back."""
        return self.verdict == "withdrawn" or (self.failed and self.verdict != "released")

    @property
    def ready(self) -> bool:
        """Whether the next edition has it."""
        return self.release_id is not None and self.checked and self.explained and not self.blocked


def stale(connection: psycopg.Connection | None = None) -> list[list[str]]:
    """The (collection, period) pairs whose figures do not rest on what counts now, oldest period first.

    A period that has submissions which were received in the last hour and wait for validation is left for
    when they are done, so that a month is not published once for every file. One whose release was withdrawn or is held
    back by a check waits for a person or for new inputs and is not among them.

    Args:
        connection: to look in the caller's transaction.
    """
    if connection is None:
        with warehouse.connect() as own:
            return stale(own)
    busy = set(
        connection.execute(
            "SELECT DISTINCT collection, period FROM intake.waiting WHERE registered_at > now() - interval '1 hour'"
        ).fetchall()
    )
    found = [
        [one.collection, one.period]
        for one in candidates(connection)
        if not one.blocked and not busy & set(gather.rests_on(one.collection, one.period))
    ]
    return sorted(found, key=lambda pair: (pair[1], pair[0]))


def due(connection: psycopg.Connection) -> dict[tuple[str, str], str]:
    """(collection, period) -> the hash of what its release should rest on now, for all that is or should be published."""
    prints, current = gather.fingerprints(connection), edition.standing(connection)
    # What was published is made anew also when nothing counts any more, so that it does not stay.
    shown = [pair for pair, (counts, _) in prints.items() if counts or pair in current]
    hashes = {}
    for pair in shown:
        try:
            hashes[pair] = gather.inputs_hash(prints, pair[0], gather.rests_on(*pair))
        except Exception as problem:  # one pair that breaks this keeps no other from its release
            if is_outage(problem):
                raise
            _log_failure("not_due", pair, problem)
    return hashes


def candidates(connection: psycopg.Connection) -> list[Candidate]:
    """Every collection and period where something else should stand than does."""
    wanted = due(connection)
    rows = connection.execute(
        """SELECT d.collection, d.period, d.inputs_hash, c.release_id, r.release_id, v.verdict,
                  EXISTS (SELECT FROM core.release_check k WHERE k.release_id = r.release_id AND k.against = coalesce(c.release_id, '')),
                  EXISTS (SELECT FROM core.release_check k WHERE k.release_id = r.release_id AND k.against = coalesce(c.release_id, '')
                          AND NOT k.passed),
                  NOT EXISTS (SELECT FROM core.release_input i WHERE i.release_id = c.release_id)
                  OR EXISTS (SELECT FROM core.explained x WHERE (x.release_id, x.previous_release_id) = (r.release_id, c.release_id))
           FROM unnest(%s::text[], %s::text[], %s::text[]) AS d (collection, period, inputs_hash)
           LEFT JOIN core.current_release c USING (collection, period)
           LEFT JOIN core.release r USING (collection, period, inputs_hash)
           LEFT JOIN LATERAL (SELECT verdict FROM core.release_verdict v WHERE v.release_id = r.release_id
                              ORDER BY v.verdict_id DESC LIMIT 1) v ON true
           WHERE r.release_id IS NULL OR r.release_id IS DISTINCT FROM c.release_id ORDER BY 1, 2""",
        [[c for c, _ in wanted], [p for _, p in wanted], list(wanted.values())],
    )
    return [Candidate(*row) for row in rows]


def refresh(collection: str, period: str) -> dict:
    """Computes the figures of one collection and period, and publishes them unless a check holds them back.

    Returns:
        {"release_id", "measures", "new"}: new is False when this release was there already or inputs moved meanwhile.
    """
    made = make(collection, period)
    switch([(collection, period)])
    return made


def switch(pairs: Iterable[edition.Pair] | None = None, words: str = "", person: str | None = None) -> dict:
    """Checks the releases that were made of what counts now, and moves all pointers to those that hold, in one transaction.

    Args:
        pairs: only these (collection, period) pairs; None: all.
        words, person: why, and who says so, where it is a person.

    Returns:
        {"edition_id", "number", "changed", "held_back"}: the current edition, the number of its switch, how many pointers moved, and of
        all collections and periods the releases that wait for a person, as `held_back` has them.
    """
    wanted = None if pairs is None else {tuple(pair) for pair in pairs}

    def chosen(connection) -> list[Candidate]:
        return [one for one in candidates(connection) if one.release_id and (wanted is None or one.pair in wanted)]

    with warehouse.connect() as connection:
        unchecked = [one for one in chosen(connection) if not one.checked]
        _each_if_not_all(
            connection,
            {one.pair: (one.release_id, one.standing) for one in unchecked},
            lambda asked: release_checks.look(connection, list(asked.values())),
            "not_checked",
        )
    with warehouse.connect() as connection:
        # What moved between the two is not ready, and is left for the next time.
        edition.lock(connection)
        ready = {one.pair: one.release_id for one in chosen(connection) if one.ready}
        done = _each_if_not_all(
            connection,
            ready,
            lambda moves: edition.move(connection, moves, reason=words, person=person),
            "not_switched",
        )
        held = held_back(connection)
    if done.changed:
        warehouse.analyze(GROWS)
    return {"edition_id": done.edition_id, "number": done.number, "changed": done.changed, "held_back": held}


def _each_if_not_all(connection: psycopg.Connection, given: dict, work: Callable[[dict], T], event: str) -> T:
    """Does something for all pairs at once; where that fails, finds those that it fails for, logs them and does it for the others."""
    try:
        with connection.transaction():
            return work(given)
    except Exception as problem:
        if is_outage(problem) or connection.closed or len(given) < 1:
            raise
    good = {}
    for pair, one in given.items():
        try:
            with connection.transaction(force_rollback=True):
                work({pair: one})
            good[pair] = one
        except Exception as problem:
            if is_outage(problem) or connection.closed:
                raise
            _log_failure(event, pair, problem)
    return work(good)


def _log_failure(event: str, pair: edition.Pair, problem: Exception) -> None:
    collection, period = pair
    log.line(
        logger,
        event,
        level=logging.ERROR,
        collection=collection,
        period=period,
        problem=log.short(problem),
        at=log.where(problem),
    )


def held_back(connection: psycopg.Connection) -> list[dict]:
    """The releases of what counts now that a check holds back: release_id, collection, period, standing, and messages, what was found."""
    found = []
    for one in candidates(connection):
        if one.release_id and one.failed and one.verdict is None:
            messages = connection.execute(
                """SELECT message FROM core.release_check WHERE (release_id, against) = (%s, %s) AND NOT passed
                   ORDER BY check_id, subject""",
                [one.release_id, one.standing or ""],
            )
            found.append(
                {
                    "release_id": one.release_id,
                    "collection": one.collection,
                    "period": one.period,
                    "standing": one.standing,
                    "messages": [message for (message,) in messages],
                }
            )
    return found


def what_to_do(held: list[dict]) -> str:
    """What a check found, for the person who has to look, from what `held_back` gives."""
    told = [
        f"{one['release_id']} is held back, {one['standing'] or 'nothing'} stays: "
        + " ".join(one["messages"][:3])
        + (f" (and {len(one['messages']) - 3} more)" if len(one["messages"]) > 3 else "")
        for one in held
    ]
    return (
        "\n".join(told) + "\nIf it is right, let it through: trust-benchmarks release RELEASE --reason '...'. "
        "If it is not, mend what was sent; a new release follows by itself. docs/runbooks/README.md says more."
    )


def let_through(release_id: str, *, reason: str, person: str) -> dict:
    """A person releases what a check holds back or what was withdrawn, and the pointer moves; of the current release: adds words to it.

    Returns:
        As `switch`.

    Raises:
        edition.Unknown: when there is no such release, or it is not what counts now.
    """
    with warehouse.connect() as connection:
        row = connection.execute(
            """SELECT r.collection, r.period, c.release_id FROM core.release r
               LEFT JOIN core.current_release c USING (release_id) WHERE r.release_id = %s""",
            [release_id],
        ).fetchone()
        if row is None:
            raise edition.Unknown(f"There is no release {release_id}. List them: trust-benchmarks releases")
        pair, is_current = row[:2], row[2] is not None
        mine = next((one for one in candidates(connection) if one.pair == pair), None)
        if not is_current and (mine is None or mine.release_id != release_id):
            raise edition.Unknown(
                f"{release_id} is not what counts now: what it rests on has changed. "
                + (f"Expected {mine.release_id}." if mine and mine.release_id else "Wait for the next refresh.")
            )
        connection.execute(
            "INSERT INTO core.release_verdict (release_id, verdict, person, reason) VALUES (%s, 'released', %s, %s)",
            [release_id, person, reason],
        )
    if is_current:
        return switch([])
    make(*pair)
    return switch([pair], reason, person)


def make_each(pairs: Iterable[edition.Pair]) -> list[tuple[edition.Pair, BaseException]]:
    """Makes a release of each (collection, period); one that fails does not keep the others back. Returns those that failed.

    Raises:
        psycopg.OperationalError, botocore.exceptions.ClientError and the like: at once, when a store is down.
    """
    failed = []
    for pair in pairs:
        began = time.monotonic()
        try:
            made = make(*pair)
        except BaseException as problem:
            if not is_failure(problem) or is_outage(problem):
                raise
            _log_failure("not_made", tuple(pair), problem)
            failed.append((tuple(pair), problem))
            continue
        collection, period = pair
        log.line(logger, "made", collection=collection, period=period, **made, seconds=time.monotonic() - began)
    return failed


def make(collection: str, period: str) -> dict:
    """Computes a release of what counts now, and why its figures are not those of the one that stands; no pointer moves.

    Returns:
        {"release_id", "measures", "new"}: new is False when this release was there already or inputs moved meanwhile.
    """
    expect(collection, {period})
    with warehouse.connect() as connection:
        release_id, _ = gather.next_release(connection, collection, period)
        previous = _current(connection, collection, period)
        there = _there(connection, release_id)
        if there and (previous in (None, release_id) or _explained(connection, release_id, previous)):
            return {"release_id": release_id, "measures": None, "new": False}
        gathered = gather.gather(connection, collection, period)
        if gathered.release_id != release_id:  # inputs moved between the two questions
            return {"release_id": gathered.release_id, "measures": None, "new": False}
        before, steps = _moves(connection, gathered, previous)
        values = _values(connection, release_id) if there else None
    if not there:
        tables, totals = figures(gathered), release_checks.totals(gathered)
        values = tables["measure"].select("metric_id", "provider_code", "value")
    moved = explain.movements(before, steps, values)
    with warehouse.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"release {collection} {period}"])
        if gather.next_release(connection, collection, period)[1] != gathered.inputs_hash:
            return {"release_id": release_id, "measures": None, "new": False}
        added = not there and _add(connection, gathered)
        if added:
            for table, frame in tables.items():
                warehouse.copy(connection, table, frame, release_id=release_id)
            warehouse.copy(connection, "release_total", totals, release_id=release_id)
            _keep_inputs(connection, gathered)
        _keep_reasons(connection, release_id, moved, previous)
    return {"release_id": release_id, "measures": values.height if added else None, "new": bool(added)}


def _add(connection, gathered: gather.Gathered) -> bool:
    return bool(
        connection.execute(
            """INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
            [
                gathered.release_id,
                gathered.collection,
                gathered.period,
                gathered.inputs_hash,
                reference.version(),
                versions.method_version(gathered.collection),
                gathered.own["submission_id"].sort().to_list(),
                bool(gathered.own["is_sample"].any()),
            ],
        ).rowcount
    )


def _there(connection, release_id: str) -> bool:
    return connection.execute("SELECT 1 FROM core.release WHERE release_id = %s", [release_id]).fetchone() is not None


def _explained(connection, release_id: str, previous: str) -> bool:
    """Whether every step from the one to the other is known, or cannot be."""
    return connection.execute(
        """SELECT EXISTS (SELECT FROM core.explained WHERE (release_id, previous_release_id) = (%s, %s))
                  OR NOT EXISTS (SELECT FROM core.release_input WHERE release_id = %s)""",
        [release_id, previous, previous],
    ).fetchone()[0]


def _values(connection, release_id: str) -> pl.DataFrame:
    known = "SELECT metric_id, provider_code, value FROM core.measure WHERE release_id = %s"
    return gather.as_frame(
        connection, known, [release_id], {"metric_id": pl.String, "provider_code": pl.String, "value": pl.Float64}
    )


def _current(connection: psycopg.Connection, collection: str, period: str) -> str | None:
    row = connection.execute(
        "SELECT release_id FROM core.current_release WHERE collection = %s AND period = %s", [collection, period]
    ).fetchone()
    return row[0] if row else None


def _moves(connection, gathered: gather.Gathered, previous: str | None) -> tuple[pl.DataFrame, list[explain.Step]]:
    """The values of the current release, and the steps from it to the one that is being made; nothing at the first."""
    if previous is None or not explain.rests_of(connection, previous):
        return _values(connection, ""), []
    collection, period = gathered.collection, gathered.period
    steps = explain.plan(
        connection,
        previous,
        gathered.rests,
        (versions.method_version(collection), reference.version()),
        lambda rests: gather.inputs_of(connection, collection, period, rests)[0],
    )
    return _values(connection, previous), steps


def _keep_inputs(connection, gathered: gather.Gathered) -> None:
    """Stores what a new release rests on."""
    rests = [(one, rules, counts) for one, (rules, counts) in gathered.rests.items()]
    schema = {"submission_id": pl.String, "rules_version": pl.String, "counts": pl.Boolean}
    frame = pl.DataFrame(rests, schema=schema, orient="row")
    warehouse.copy(connection, "release_input", frame, release_id=gathered.release_id)


def _keep_reasons(connection, release_id: str, moved: pl.DataFrame, previous: str | None) -> None:
    """Stores why the figures of a release are not those of the release that stands, once."""
    if previous in (None, release_id) or not explain.rests_of(connection, previous):
        return
    new = connection.execute(
        "INSERT INTO core.explained (release_id, previous_release_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [release_id, previous],
    ).rowcount
    if new:
        warehouse.copy(connection, "movement", moved, release_id=release_id, previous_release_id=previous)
