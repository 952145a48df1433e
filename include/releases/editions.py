"""Editions: the set of releases that is published at one time, and where each stood."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import psycopg

from .dependencies import Pair

Contents = dict[Pair, str]  # (collection, period) -> release


class Unknown(LookupError):
    """What was asked for is not there or cannot be done; the message says so in a sentence."""


@dataclass(frozen=True)
class Switched:
    """Where the pointers stand after a step.

    Attributes:
        number: of the switch; None where nothing was ever published.
        edition_id: the current edition.
        at: since when, as the database says.
        changed: how many pointers moved; 0: the step added nothing.
    """

    number: int | None
    edition_id: str | None
    at: datetime | None
    changed: int = 0


def name(contents: Contents) -> str:
    """The edition's name, made of its releases: the same set has the same name."""
    lines = sorted("|".join((*pair, release_id)) for pair, release_id in contents.items())
    return "edition-" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def standing(connection: psycopg.Connection) -> Contents:
    """The current release of every collection and period."""
    return _contents(connection.execute("SELECT collection, period, release_id FROM core.standing"))


def contents(connection: psycopg.Connection, edition_id: str) -> Contents:
    """The releases of an edition."""
    query = """SELECT r.collection, r.period, r.release_id FROM core.edition_release e JOIN core.release r USING (release_key)
               WHERE e.edition_id = %s"""
    return _contents(connection.execute(query, [edition_id]))


def last_switch(connection: psycopg.Connection) -> Switched:
    """The step that the current edition came with."""
    row = connection.execute(
        "SELECT number, edition_id, switched_at FROM core.edition_switch ORDER BY number DESC LIMIT 1"
    ).fetchone()
    return Switched(*row) if row else Switched(None, None, None)


def current(connection: psycopg.Connection) -> str | None:
    """The id of the current edition; None: nothing was ever published."""
    return last_switch(connection).edition_id


def find(connection: psycopg.Connection, edition: str | int | None) -> str:
    """The id of an edition.

    Args:
        edition: its id, or the number of a switch; None: the one that stood before the pipeline switched to the current one.

    Raises:
        Unknown: there is none.
    """
    if edition is None:
        row = connection.execute(
            """SELECT w.previous_edition_id FROM core.edition_switch w WHERE w.kind = 'switch' AND w.edition_id =
                 (SELECT edition_id FROM core.edition_switch ORDER BY number DESC LIMIT 1) ORDER BY w.number DESC LIMIT 1"""
        ).fetchone()
        if row is None or row[0] is None:
            raise Unknown("There is no edition before the current one.")
    else:
        row = connection.execute(
            "SELECT edition_id FROM core.edition_switch WHERE %s IN (edition_id, number::text) LIMIT 1", [str(edition)]
        ).fetchone()
        if row is None:
            raise Unknown(f"There is no edition {edition}. List them: trust-benchmarks editions")
    return str(row[0])


def _contents(rows: psycopg.Cursor) -> Contents:
    return {(collection, period): release_id for collection, period, release_id in rows}
