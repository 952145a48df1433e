"""The frame that findings travel in: one row a rule broken at one place."""

from collections.abc import Iterable
from typing import Any

import polars as pl

COLUMNS = {
    "rule_id": pl.String,
    "severity": pl.String,  # hold | reject | warn | info
    "responsible": pl.String,  # trust | publisher | us
    "scope": pl.String,  # cell | row | submission | cross
    "sheet": pl.String,
    "line": pl.Int64,
    "column_name": pl.String,  # the heading as sent
    "raw_value": pl.String,  # the cell as sent
    "message": pl.String,
}

_EMPTY = pl.DataFrame(schema=COLUMNS)
RAW_SHOWN = 500  # characters of a cell that a finding carries


def empty() -> pl.DataFrame:
    """No findings."""
    return _EMPTY.clone()


def one(
    rule_id: str,
    message: str,
    *,
    severity: str = "hold",
    responsible: str = "trust",
    scope: str = "submission",
    **place: Any,
) -> pl.DataFrame:
    """A single finding; `place` may give sheet, line, column_name and raw_value."""
    row: dict[str, Any] = {
        "rule_id": rule_id,
        "severity": severity,
        "responsible": responsible,
        "scope": scope,
        "message": message,
    }
    row |= {key: None for key in COLUMNS if key not in row} | place
    if row["raw_value"]:
        row["raw_value"] = row["raw_value"][:RAW_SHOWN]
    return pl.DataFrame([row], schema=COLUMNS)


def join(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """All findings of several frames, in the order of the file."""
    filled = [frame.select(list(COLUMNS)) for frame in frames if frame.height]
    if not filled:
        return empty()
    return pl.concat(filled).sort("sheet", "line", maintain_order=True)
