"""Prints every finding of one submission, where the ledger lists only the first of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from ..records import all_findings
from ..stores import warehouse
from ..validation import decisions_applied
from . import embedded
from .output import Format, write

COLUMNS = (
    "collection", "period", "sender", "submission_id", "rule_id", "severity", "responsible", "sheet", "line", "column_name",
    "raw_value", "message", "decision_id",
)  # fmt: skip
OTHER = """
SELECT rule_id, severity, responsible, sheet, line, column_name, raw_value, message, decision_id
FROM intake.findings WHERE submission_id = %s AND number IS NULL"""


def listing(
    submission_id: str, rule: str | None, severity: str | None, open_only: bool, form: Format, limit: int | None
) -> None:
    """Writes them as CSV or JSON: those of the file in its order, then those against other returns and of the log of receipts.

    Raises:
        Harmed: the object that holds them is gone or has changed.
    """
    with embedded.stores(), warehouse.connect() as connection:
        path = all_findings.file(connection, submission_id)
        is_asked = pl.lit(True)
        for name, value in (("rule_id", rule), ("severity", severity)):
            is_asked &= pl.col(name) == value if value is not None else pl.lit(True)
        if open_only:
            is_asked &= pl.col("decision_id").is_null()
        write(_rows(connection, submission_id, path, is_asked), COLUMNS, form, limit=limit)


def _rows(
    connection: psycopg.Connection[Any], submission_id: str, path: Path | None, is_asked: pl.Expr
) -> Iterator[tuple[object, ...]]:
    about = connection.execute(
        "SELECT collection, period, sender, submission_id FROM intake.submissions WHERE submission_id = %s",
        [submission_id],
    ).fetchone()
    other = pl.DataFrame(
        connection.execute(OTHER, [submission_id]).fetchall(),
        schema={name: decisions_applied.COLUMNS[name] for name in COLUMNS[4:]},
        orient="row",
    ).filter(is_asked)
    for part in (*(all_findings.parts(path, is_asked) if path else ()), other):
        for row in part.select(COLUMNS[4:]).iter_rows():
            yield (*(about or ()), *row)
