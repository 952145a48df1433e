"""All findings of a submission where the ledger lists only the first of them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from . import record_objects
from .findings_kept import ROWS_OF_A_GROUP


def file(connection: psycopg.Connection[Any], submission_id: str) -> Path | None:
    """A local Parquet file with every finding of the validation that holds (columns: number and `decisions_applied.COLUMNS`).

    Args:
        connection: of a role that may read intake.validations.

    Returns:
        None where the ledger lists all of them.

    Raises:
        Harmed: the object is gone or has changed; `trust-benchmarks heal` puts it back.
    """
    row = connection.execute(
        "SELECT findings_key, findings_bytes FROM intake.validations WHERE submission_id = %s", [submission_id]
    ).fetchone()
    if row is None or row[0] is None:
        return None
    return record_objects.own_file(record_objects.Wanted(submission_id, row[0], row[1], 1))


def parts(path: Path, is_asked: pl.Expr) -> Iterator[pl.DataFrame]:
    """The findings in such a file that are asked for, in the order of the sheets and lines, some tens of thousands at a time."""
    lazy = pl.scan_parquet(path)
    rows = lazy.select(pl.len()).collect().item()
    for start in range(0, rows, ROWS_OF_A_GROUP):
        part = lazy.slice(start, ROWS_OF_A_GROUP).filter(is_asked).collect()
        if part.height:
            yield part


def with_ids(part: pl.DataFrame, submission_id: str) -> pl.DataFrame:
    """Such findings with finding_id, as intake.findings has it."""
    named = ("rule_id", "sheet", "line", "column_name", "number")
    ids = [
        hashlib.md5("|".join(str(one) for one in (submission_id, *row) if one is not None).encode()).hexdigest()
        for row in part.select(named).iter_rows()
    ]
    return part.with_columns(finding_id=pl.Series(ids, dtype=pl.String))
