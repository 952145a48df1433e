"""Loads what a release is computed from: the ledger's facts about its submissions, and local copies of their records."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl
import psycopg
from psycopg.rows import class_row

from .. import catalogue, reference, sql
from ..measures import measure, profiles
from ..records import healing, record_objects
from . import basis, without_decisions
from .basis import Basis
from .dependencies import periods_back, rests_on
from .fingerprints import next_release
from .ledger import Columns, frame


class _Counting(NamedTuple):
    """The records of a submission that counts, and the decisions that it counts under."""

    collection: str
    period: str
    submission_id: str
    decisions: list[int]
    records_key: str
    records_bytes: int
    records_together: int

    @property
    def wanted(self) -> record_objects.Wanted:
        return record_objects.Wanted(self.submission_id, self.records_key, self.records_bytes, self.records_together)


@dataclass(frozen=True)
class ReleaseInputs:
    """What a release will be made of.

    Attributes:
        release_id, inputs_hash: its name, made of what it rests on.
        inputs: for `measure.compute`.
        own: the submissions of its collection and period that count, columns as in `measure.SUBMISSIONS`.
        decided: the submissions of the window that count because of decisions, and what they are without.
        basis: the validated submissions of the window.
    """

    collection: str
    period: str
    release_id: str
    inputs_hash: str
    inputs: measure.Inputs
    own: pl.DataFrame
    decided: list[without_decisions.Decided]
    basis: Basis


def load(connection: psycopg.Connection, collection: str, period: str) -> ReleaseInputs:
    """All that the figures of a collection and period rest on, as it stands now in the caller's transaction."""
    name = next_release(connection, collection, period)
    stands = basis.now(connection, collection, period)
    inputs, under_decisions = measure_inputs(connection, collection, period, stands)
    decided = without_decisions.load(connection, stands, under_decisions)
    is_own = (pl.col("collection") == collection) & (pl.col("period") == period) & pl.col("is_current")
    return ReleaseInputs(collection, period, *name, inputs, inputs.submissions.filter(is_own), decided, stands)


def measure_inputs(
    connection: psycopg.Connection, collection: str, period: str, stands: Basis
) -> tuple[measure.Inputs, dict[str, Path]]:
    """What figures are computed from if they rest on these submissions, and the files of those that count under decisions, by their ids."""
    declared = catalogue.load(collection)
    given = {
        "submissions": list(stands),
        "rules": [one.rules_version for one in stands.values()],
        "counts": [one.counts for one in stands.values()],
        "is_national": declared.is_national,
        "collection": collection,
        "period": period,
        "periods": [p for c, p in rests_on(collection, period) if c == collection],
    }
    read = set(periods_back(period, declared.looks_back))
    with connection.cursor(row_factory=class_row(_Counting)) as cursor:
        counting = cursor.execute(sql.text("releases/counting_records"), given).fetchall()
    paths: dict[str, list[Path]] = {name: [] for name in (collection, *declared.uses)}
    under_decisions: dict[str, Path] = {}
    months: dict[tuple[str, str], list[record_objects.Wanted]] = {}
    for one in counting:
        if one.collection == collection and one.period not in read:
            continue
        if one.decisions:  # in a file of its own, which can be exchanged for what it is without them
            under_decisions[one.submission_id] = healing.own_file(connection, one.wanted)
            paths[one.collection].append(under_decisions[one.submission_id])
        else:
            months.setdefault((one.collection, one.period), []).append(one.wanted)
    for (name, _), wanted in months.items():
        paths[name] += healing.files(connection, wanted)

    def facts(name: str, columns: Columns) -> pl.DataFrame:
        return frame(connection, sql.text(f"releases/{name}"), given, columns)

    inputs = measure.Inputs(
        collection,
        period,
        paths,
        facts("submissions", measure.SUBMISSIONS),
        facts("expected", measure.EXPECTED),
        reference.load(),
        facts("provider_rows", measure.PROVIDER_ROWS),
        facts("expected_in_file", measure.EXPECTED_IN_FILE),
        facts("profiles", profiles.PROFILES),
    )
    return inputs, under_decisions
