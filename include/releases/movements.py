"""Why figures moved from one release to the next: the inputs are changed one cause at a time, and each step is measured."""

from dataclasses import dataclass
from typing import NamedTuple

import polars as pl
import psycopg

from .. import reference
from ..measures import measure, versions
from . import basis, causes, inputs
from .causes import CAUSES
from .ledger import VALUES, values_of

MOVEMENTS = {
    "metric_id": pl.String,
    "provider_code": pl.String,
    "step": pl.Int64,
    "cause": pl.String,
    "value_before": pl.Float64,
    "value_after": pl.Float64,
}


@dataclass(frozen=True)
class Step:
    """The inputs after one more cause; None: as the new release has them."""

    cause: str
    inputs: measure.Inputs | None


class Moves(NamedTuple):
    """The values that stand, with the columns of `ledger.VALUES`, and the steps from there."""

    before: pl.DataFrame
    steps: list[Step]


def plan(connection: psycopg.Connection, given: inputs.ReleaseInputs, previous: str | None) -> Moves:
    """The steps from the release that stands to one that is being made, in the order of `CAUSES`.

    There are none for the first release, and none from one of which it is not kept what it rests on.
    """
    old = basis.of_release(connection, previous) if previous else {}
    if previous is None or not old:
        return Moves(pl.DataFrame(schema=VALUES), [])
    differ = causes.by_chain(connection, old, given.basis)
    first = methods_changed(connection, previous, (versions.method_version(given.collection), reference.version()))
    order = [*([first] if first else []), *(cause for cause in CAUSES if cause in differ.values())]
    steps, state = [], dict(old)
    for cause in order:
        for chain, one in differ.items():
            if one == cause:
                for submission_id in chain:
                    state.pop(submission_id, None)
                    if submission_id in given.basis:
                        state[submission_id] = given.basis[submission_id]
        is_last = cause == order[-1]
        computed = None if is_last else inputs.measure_inputs(connection, given.collection, given.period, state)[0]
        steps.append(Step(cause, computed))
    return Moves(values_of(connection, previous), steps)


def methods_changed(connection: psycopg.Connection, release_id: str, versions: tuple[str, str]) -> str | None:
    """The cause, of the first three, for a release that was made by other versions of code and reference data; None: the same."""
    known = connection.execute(
        "SELECT code_version, reference_version FROM core.release WHERE release_id = %s", [release_id]
    ).fetchone()
    other = tuple(was != now for was, now in zip(known or ("", ""), versions, strict=True))
    return {(True, False): CAUSES[0], (False, True): CAUSES[1], (True, True): CAUSES[2]}.get(other)


def measured(moves: Moves, after: pl.DataFrame) -> pl.DataFrame:
    """The steps of every figure that moved, with the columns of `MOVEMENTS`.

    Args:
        after: the values of the new release, with the columns of `ledger.VALUES`.
    """
    found, last = [pl.DataFrame(schema=MOVEMENTS)], moves.before
    keys = ["metric_id", "provider_code"]
    for number, step in enumerate(moves.steps, 1):
        now = after if step.inputs is None else measure.compute(step.inputs).measures.select(*keys, "value")
        pair = last.rename({"value": "value_before"}).join(
            now.rename({"value": "value_after"}), on=keys, how="full", coalesce=True
        )
        moved = pair.filter(pl.col("value_before").ne_missing(pl.col("value_after")))
        moved = moved.with_columns(step=pl.lit(number), cause=pl.lit(step.cause))
        found.append(moved.select(pl.col(name).cast(dtype) for name, dtype in MOVEMENTS.items()))
        last = now
    return pl.concat(found).sort("metric_id", "provider_code", "step")


def is_explained(connection: psycopg.Connection, release_id: str, previous: str | None) -> bool:
    """Whether every step from the one release to the other is known, or there is none, or it cannot be known."""
    if previous is None or previous == release_id:
        return True
    row = connection.execute(
        """SELECT FROM core.explained WHERE (release_key, previous_release_key) = (core.key_of(%s), core.key_of(%s))
           UNION ALL SELECT WHERE NOT EXISTS (SELECT FROM core.release_input WHERE release_key = core.key_of(%s))""",
        [release_id, previous, previous],
    ).fetchone()
    return row is not None
