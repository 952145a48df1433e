"""Rows to a table, CSV or JSON that are safe to look at: no control characters, no markup, nothing a spreadsheet would run."""

import csv
import datetime as dt
import json
import os
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..reading.harmless import csv_safe, csv_safe_frame, harmless, json_safe

if TYPE_CHECKING:
    import polars as pl

SHOWN = 200  # rows of a table; CSV and JSON give all


class Format(StrEnum):
    """How rows are written."""

    table = "table"
    csv = "csv"
    json = "json"


def words(value: object) -> str | None:
    """A database value as text in full precision; None stays None, so that a format can say what nothing is."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
        case Decimal():
            return format(value, "f")
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case bytes() | memoryview():
            return "\\x" + bytes(value).hex()
        case list() | dict() | tuple():
            return in_json(value)
    return str(value)


def in_json(value: object) -> str:
    """A value as JSON: numbers as numbers in full precision, dates as ISO text, no value (or not a number) null."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value) if isfinite(value) else "null"
        case Decimal():
            return format(value, "f") if value.is_finite() else "null"
        case dict():
            return "{" + ", ".join(f"{in_json(str(k))}: {in_json(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(in_json, value)) + "]"
    text = json.dumps(words(value), ensure_ascii=False)
    return json_safe(text)


def write(
    rows: Iterable[Sequence[object]], names: Sequence[str], form: Format, *, more: str = "", limit: int | None = None
) -> int:
    """Writes rows to standard output; returns how many.

    Args:
        limit: at most so many rows; None is all, but `SHOWN` in a table.
        more: how to see the rest; printed on standard error when there are more rows than were written.
    """
    rows = iter(rows)
    if form is Format.table and limit is None:
        limit = SHOWN
    taken = rows if limit is None else islice(rows, limit)
    written = {Format.table: _table, Format.csv: _csv, Format.json: _json}[form](taken, _distinct(names))
    if limit is not None and next(rows, None) is not None:
        note(f"Only the first {written:,} rows are shown. {more}".rstrip())
    return written


def write_frame(frame: "pl.DataFrame", form: Format) -> None:
    """Writes all rows of a polars frame as CSV or JSON: what `write` gives, fast enough for a million rows."""
    slices = list(frame.iter_slices(50_000))
    if form is Format.csv:
        _csv([], frame.columns)
        for part in slices:
            sys.stdout.write(csv_safe_frame(part).write_csv(include_header=False))
        return
    sys.stdout.write("[")
    for number, part in enumerate(slices):
        lines = part.write_ndjson().rstrip("\n").replace("\n", ",\n  ")
        lines = json_safe(lines)
        sys.stdout.write((",\n  " if number else "\n  ") + lines)
    sys.stdout.write("\n]\n" if slices else "]\n")


def note(text: str) -> None:
    """One line for the person at the terminal, on standard error."""
    print(harmless(text, None, keep="\n"), file=sys.stderr)


def _distinct(names: Sequence[str]) -> list[str]:
    counts: dict[str, int] = {}
    made = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        made.append(name if counts[name] == 1 else f"{name}_{counts[name]}")
    return made


def _table(rows: Iterable[Sequence[object]], names: Sequence[str]) -> int:
    rows = list(rows)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for at, name in enumerate(names):
        numbers = [row[at] for row in rows if row[at] is not None]
        right = bool(numbers) and all(isinstance(n, int | float | Decimal) and not isinstance(n, bool) for n in numbers)
        table.add_column(Text(harmless(name, None)), justify="right" if right else "left", overflow="fold")
    for row in rows:
        # Text objects, never strings: a cell that holds [red] or [link=...] is shown as it is.
        table.add_row(*(Text("" if (text := words(value)) is None else harmless(text, None)) for value in row))
    console().print(table)
    return len(rows)


def console() -> Console:
    """A rich console on standard output; wide where nobody's window sets the width."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
    return Console(width=width, highlight=False, soft_wrap=False)


def _csv(rows: Iterable[Sequence[object]], names: Sequence[str]) -> int:
    out, count = csv.writer(sys.stdout, lineterminator="\n"), 0
    out.writerow(map(csv_safe, names))
    for row in rows:
        out.writerow(csv_safe(value) if isinstance(value, str) else words(value) for value in row)
        count += 1
    return count


def _json(rows: Iterable[Sequence[object]], names: Sequence[str]) -> int:
    keys, count = [in_json(name) for name in names], 0
    sys.stdout.write("[")
    for row in rows:
        pairs = ", ".join(f"{key}: {in_json(value)}" for key, value in zip(keys, row, strict=True))
        sys.stdout.write(("," if count else "") + "\n  {" + pairs + "}")
        count += 1
    sys.stdout.write("\n]\n" if count else "]\n")
    return count
