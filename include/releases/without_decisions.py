"""What figures would be if nobody had accepted, waived or corrected anything, and which figures decisions change."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import polars as pl
import psycopg
from psycopg.rows import class_row

from .. import catalogue, sql
from ..measures import measure
from ..records import healing, record_objects
from .basis import Basis
from .ledger import frame

KEYS, VALUES = ["metric_id", "provider_code"], ["numerator", "denominator", "value"]


@dataclass(frozen=True)
class Decided:
    """A submission that counts because of decisions, and what it is by the same rules without any.

    Attributes:
        provider_code: whom it is about; None: several, in a national file.
        decisions: their ids.
        providers: whom each decision is about; None: whoever sent the submission.
        path: a local copy of its records; plain_path: of those without decisions, None if it would not count.
        plain_rows: its rows by provider without decisions, columns as in `measure.PROVIDER_ROWS`.
    """

    collection: str
    submission_id: str
    provider_code: str | None
    decisions: list[int]
    providers: list[str | None]
    path: Path
    plain_path: Path | None
    plain_rows: pl.DataFrame


class _Row(NamedTuple):
    submission_id: str
    collection: str
    provider_code: str | None
    decisions: list[int]
    providers: list[str | None]
    plain_rules: str
    records_key: str | None
    records_bytes: int
    records_together: int

    def plain_path(self, connection: psycopg.Connection) -> Path | None:
        """A local file of its records without decisions; None if it would be held."""
        if self.records_key is None:
            return None
        return healing.own_file(
            connection,
            record_objects.Wanted(self.submission_id, self.records_key, self.records_bytes, self.records_together),
        )


def load(connection: psycopg.Connection, stands: Basis, paths: dict[str, Path]) -> list[Decided]:
    """What these submissions, by their local copies, are without decisions; it is recorded beside what they are under them."""
    if not paths:
        return []
    given = {
        "submissions": list(paths),
        "rules": [stands[one].rules_version for one in paths],
        "national": [name for name, declared in catalogue.all().items() if declared.is_national],
    }
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        rows = cursor.execute(sql.text("releases/without_decisions"), given).fetchall()
    counted = frame(
        connection,
        sql.text("releases/provider_rows"),
        {"submissions": [one.submission_id for one in rows], "rules": [one.plain_rules for one in rows]},
        measure.PROVIDER_ROWS,
    )
    return [
        Decided(
            one.collection,
            one.submission_id,
            one.provider_code,
            one.decisions,
            one.providers,
            paths[one.submission_id],
            one.plain_path(connection),
            counted.filter(pl.col("submission_id") == one.submission_id),
        )
        for one in rows
    ]


def undecided(inputs: measure.Inputs, decided: list[Decided]) -> measure.Inputs:
    """The inputs as they would be without decisions."""
    records = {name: list(paths) for name, paths in inputs.records.items()}
    for one in decided:
        records[one.collection].remove(one.path)
        if one.plain_path:
            records[one.collection].append(one.plain_path)
    of_decided = pl.col("submission_id").is_in([one.submission_id for one in decided])
    counted = pl.concat([inputs.provider_rows.filter(~of_decided), *(one.plain_rows for one in decided)])
    gone = pl.col("submission_id").is_in([one.submission_id for one in decided if not one.plain_path])
    submissions = inputs.submissions.with_columns(is_current=pl.col("is_current") & ~gone)
    return replace(inputs, records=records, submissions=submissions, provider_rows=counted)


def marked(measures: pl.DataFrame, without: pl.DataFrame, decided: list[Decided]) -> pl.DataFrame:
    """Measures with the decisions that they rest on: those about the provider, where its figure would be another without them."""
    about: dict[str | None, set[int]] = {None: set()}
    for one in decided:
        for decision_id, provider in zip(one.decisions, one.providers, strict=True):
            about.setdefault(provider or one.provider_code, set()).add(decision_id)
    other = without.select(*KEYS, *(pl.col(name).alias(f"{name}_without") for name in VALUES))
    joined = measures.join(other, on=KEYS, how="left", maintain_order="left")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_without")) for name in VALUES)
    marks = {
        code: "{" + ",".join(map(str, sorted(about.get(code, set()) | about[None]))) + "}"
        for code in measures["provider_code"].unique()
    }
    mark = pl.col("provider_code").replace_strict(marks, default="{}", return_dtype=pl.String)
    return joined.select(*measures.columns, decisions=pl.when(differs).then(mark).otherwise(pl.lit("{}")))
