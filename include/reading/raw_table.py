"""A table as text with the line of every row, the limits it must keep to, and the error of a file that has none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ..stores import settings

MAX_BYTES = settings.MOST_MB * 1024 * 1024  # of a file, after gzip
MAX_WORKBOOK_BYTES = 160 * 1024 * 1024  # of a workbook's parts, unpacked
MAX_CELLS = 3_000_000  # of one table
MAX_COLUMNS = 2_000
MAX_SHEETS = 500  # of a workbook
HEAD_ROWS = 40  # how far down a header row is looked for
KINDS = {"csv": "text (CSV)", "xlsx": "an Excel workbook (.xlsx)", "xls": "an old Excel workbook (.xls)"}


class Unreadable(Exception):
    """A file that cannot be read; says which rule, where, and the sentence for the submitter."""

    def __init__(self, rule_id: str, message: str, **place: Any) -> None:
        super().__init__(message)
        self.rule_id, self.message, self.place = rule_id, message, place

    def __reduce__(self) -> tuple[Any, ...]:
        """For the way from the child process."""
        return _unreadable, (self.rule_id, self.message, self.place)


def _unreadable(rule_id: str, message: str, place: dict[str, Any]) -> Unreadable:
    return Unreadable(rule_id, message, **place)


@dataclass
class Grid:
    """One table as text.

    Attributes:
        frame: ``line`` (Int64) and ``c0``.. (String, as sent; null where the file has no such cell), one row a row below the header.
        ragged: rows whose number of cells does not fit, each (line, cells); they are not in `frame`.
        joined: rows of `frame` with a cell that holds a line break and a delimiter, as an open quotation mark makes them.
        is_open: the last line of a text has no line end, as that of a file that was cut off.
    """

    frame: pl.DataFrame
    ragged: list[tuple[int, list[str]]] = field(default_factory=list)
    joined: list[tuple[int, list[str]]] = field(default_factory=list)
    is_open: bool = False


def text_frame(lines: Sequence[int], rows: Sequence[Sequence[str | None]], width: int) -> pl.DataFrame:
    """Rows of one width as the frame of a `Grid`."""
    columns: list[Sequence[str | None]] = list(zip(*rows, strict=True)) if rows else [()] * width
    data = {"line": pl.Series("line", lines, pl.Int64)}
    data |= {f"c{i}": pl.Series(f"c{i}", columns[i], pl.String) for i in range(width)}
    return pl.DataFrame(data)
