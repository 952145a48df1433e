"""Checks the releases that were built, and switches to those that hold, all in one transaction."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from ..stores import log, warehouse
from . import build, candidates, checks, editions, pointers, previews
from .build import Built
from .candidates import Candidate, HeldBack
from .dependencies import Pair
from .failures import all_or_each

logger = logging.getLogger(__name__)
GROWS = ("release", "measure", "series_rule", "peer_group", "peer")  # what views join that compute on reading


@dataclass(frozen=True)
class Switch:
    """What became of a switch.

    Attributes:
        edition_id, number: the current edition, and the number of the switch to it.
        changed: how many pointers moved.
        held_back: of all collections and periods the releases that wait for a person.
    """

    edition_id: str | None
    number: int | None
    changed: int
    held_back: list[HeldBack]


def refresh(collection: str, period: str) -> Built:
    """Computes the figures of one collection and period, and publishes them unless a check holds them back."""
    made = build.make(collection, period)
    switch([(collection, period)])
    return made


def switch(pairs: Iterable[Pair] | None = None, reason: str = "", person: str | None = None) -> Switch:
    """Checks the releases that were made of what counts now, and moves all pointers to those that hold, in one transaction.

    A release whose trusts are to see it first is offered to them, and moved to when that window has ended.

    Args:
        pairs: only these; None: all.
        reason, person: why, and who says so, where it is a person.
    """
    wanted = None if pairs is None else set(pairs)

    def chosen(connection: psycopg.Connection) -> list[Candidate]:
        return [one for one in candidates.find(connection) if one.release_id and (wanted is None or one.pair in wanted)]

    with warehouse.connect() as connection:
        unchecked = {one.pair: (str(one.release_id), one.standing) for one in chosen(connection) if not one.checked}
        all_or_each(
            connection, unchecked, lambda some: checks.run(connection, list(some.values())), logger, "not_checked"
        )
    for one, against in unchecked.values():
        log.line(logger, "checked", release_id=one, against=against)
    with warehouse.connect() as connection:
        # What moved between the two is not ready, and is left for the next time.
        pointers.lock(connection)
        sound = [one for one in chosen(connection) if one.is_sound]
        to_offer = {one.pair: str(one.release_id) for one in sound if one.is_to_be_offered}
        offered = all_or_each(
            connection, to_offer, lambda some: previews.offer(connection, some), logger, "not_offered"
        )
        ready = {one.pair: one.release_id for one in sound if one.ready}
        done = all_or_each(
            connection,
            ready,
            lambda moves: pointers.move(connection, moves, reason=reason, person=person),
            logger,
            "not_switched",
        )
        held = candidates.held_back(connection)
        if connection.execute("SELECT FROM core.preview_now WHERE outcome IS NULL LIMIT 1").rowcount:
            previews.close(connection, [one.pair for one in candidates.find(connection)])
    if offered:
        log.line(logger, "offered", releases=offered)
    if done.changed:
        warehouse.analyze(GROWS)
        log.line(
            logger,
            "switched",
            edition_id=done.edition_id,
            number=done.number,
            changed=done.changed,
        )
    log.line(logger, "held_back", releases=len(held))
    return Switch(done.edition_id, done.number, done.changed, held)


def let_through(release_id: str, *, reason: str, person: str) -> Switch:
    """A person releases what a check holds back or what was withdrawn, and the pointer moves; of the current release: adds words to it.

    Raises:
        editions.Unknown: when there is no such release, or it is not what counts now.
    """
    with warehouse.connect() as connection:
        row = connection.execute(
            """SELECT r.collection, r.period, c.release_key IS NOT NULL FROM core.release r
               LEFT JOIN core.current_release c USING (release_key) WHERE r.release_id = %s""",
            [release_id],
        ).fetchone()
        if row is None:
            raise editions.Unknown(f"There is no release {release_id}. List them: trust-benchmarks releases")
        collection, period, is_current = row
        pair = (collection, period)
        mine = next((one.release_id for one in candidates.find(connection) if one.pair == pair), None)
        if not is_current and mine != release_id:
            raise editions.Unknown(
                f"{release_id} is not what counts now: what it rests on has changed. "
                + (f"Expected {mine}." if mine else "Wait for the next refresh.")
            )
        connection.execute(
            "INSERT INTO core.release_verdict (release_key, verdict, person, reason) VALUES (core.key_of(%s), 'released', %s, %s)",
            [release_id, person, reason],
        )
    if is_current:
        return switch([])
    build.make(*pair)
    return switch([pair], reason, person)
