"""The submissions that a release rests on: as they stand now, and as they stood for a release that was made."""

from typing import NamedTuple

import polars as pl
import psycopg

from .. import sql
from ..stores import warehouse
from .dependencies import rests_on


class Validated(NamedTuple):
    """The rules and decisions that a submission was validated under, and whether it counts."""

    rules_version: str
    counts: bool


Basis = dict[str, Validated]  # by submission, over the whole window of a release


def now(connection: psycopg.Connection, collection: str, period: str) -> Basis:
    """What a release would rest on now."""
    window = rests_on(collection, period)
    given = {"collections": [c for c, _ in window], "periods": [p for _, p in window]}
    return _by_submission(connection.execute(sql.text("releases/basis_now"), given))


def of_release(connection: psycopg.Connection, release_id: str) -> Basis:
    """What a release rests on."""
    return _by_submission(
        connection.execute(
            "SELECT submission_id, rules_version, counts FROM core.release_input WHERE release_key = core.key_of(%s)",
            [release_id],
        )
    )


def store(connection: psycopg.Connection, release_key: int, basis: Basis) -> None:
    """Stores what a new release rests on."""
    schema = {"submission_id": pl.String, "rules_version": pl.String, "counts": pl.Boolean}
    frame = pl.DataFrame([(one, *stands) for one, stands in basis.items()], schema=schema, orient="row")
    warehouse.copy(connection, "release_input", frame, release_key=release_key)


def counting(basis: Basis, chain: tuple[str, ...]) -> str | None:
    """Which submission of a return counts; None: none does."""
    return next((one for one in chain if one in basis and basis[one].counts), None)


def _by_submission(rows: psycopg.Cursor) -> Basis:
    return {submission_id: Validated(rules_version, counts) for submission_id, rules_version, counts in rows}
