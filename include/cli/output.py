"""Rows to a table, CSV or JSON that are safe to look at: no control characters, no markup, nothing a spreadsheet would run."""

import csv
import datetime as dt
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from math import isfinite

SHOWN = 200  # rows of a table; CSV and JSON give all

# C0 and C1 controls, and the marks that turn the direction of text round.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_RISKY = (
    r"^[\s=+@\-\x{ff1d}\x{ff0b}\x{ff20}\x{ff0d}]|[\p{Cc}\x{061c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]"
)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?%?")


class Format(StrEnum):
    """How rows are written."""

    table = "table"
    csv = "csv"
    json = "json"


def plain(text: str, keep: str = "") -> str:
    """A text with its control characters written out (``\\x1b``), apart from those in `keep`."""
    return _CONTROL.sub(lambda m: m[0] if m[0] in keep else m[0].encode("unicode_escape").decode("ascii"), text)


def quiet(text: str) -> str:
    """A text for a CSV cell: what a spreadsheet would take for a formula gets a leading apostrophe; numbers do not."""
    text = plain(text, keep="\n\t")
    opener = text.lstrip("\n\t ")[:1]
    risky = (
        text[:1] in ("\t", "\n") or opener in tuple("=+@＝＋＠") or (opener in ("-", "－") and len(text.strip()) > 1)
    )
    return "'" + text if risky and not _NUMBER.fullmatch(text) else text


def words(value) -> str | None:
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


def in_json(value) -> str:
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
    return _CONTROL.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def write(
    rows: Iterable[Sequence], names: Sequence[str], form: Format, *, more: str = "", limit: int | None = None
) -> int:
    """Writes rows to standard output; returns how many.

    Args:
        limit: at most so many rows; None is all, but `SHOWN` in a table.
        more: how to see the rest, told on standard error when there are more rows than were written.
    """
    rows = iter(rows)
    if form is Format.table and limit is None:
        limit = SHOWN
    taken = rows if limit is None else islice(rows, limit)
    written = {Format.table: _table, Format.csv: _csv, Format.json: _json}[form](taken, _distinct(names))
    if limit is not None and next(rows, None) is not None:
        note(f"Only the first {written:,} rows are shown. {more}".rstrip())
    return written


def write_frame(frame, form: Format) -> None:
    """Writes all rows of a polars frame as CSV or JSON: what `write` gives, fast enough for a million rows."""
    slices = list(frame.iter_slices(50_000))
    if form is Format.csv:
        _csv([], frame.columns)
        for part in slices:
            sys.stdout.write(quiet_frame(part).write_csv(include_header=False))
        return
    sys.stdout.write("[")
    for number, part in enumerate(slices):
        lines = part.write_ndjson().rstrip("\n").replace("\n", ",\n  ")
        lines = _CONTROL.sub(lambda m: m[0] if m[0] == "\n" else f"\\u{ord(m[0]):04x}", lines)
        sys.stdout.write((",\n  " if number else "\n  ") + lines)
    sys.stdout.write("\n]\n" if slices else "]\n")


def quiet_frame(frame):
    """The frame with every text `quiet`; only texts that may need it go through Python."""
    import polars as pl

    changed = {}
    for name in (name for name, dtype in frame.schema.items() if dtype == pl.String):
        risky = frame[name].str.contains(_RISKY).fill_null(False)
        if risky.any():
            at = risky.arg_true()
            changed[name] = frame[name].scatter(at, [quiet(text) for text in frame[name].gather(at)])
    return frame.with_columns(**changed)


def note(text: str) -> None:
    """One line for the person at the terminal, on standard error."""
    print(plain(text, keep="\n"), file=sys.stderr)


def _distinct(names: Sequence[str]) -> list[str]:
    counts: dict[str, int] = {}
    made = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        made.append(name if counts[name] == 1 else f"{name}_{counts[name]}")
    return made


def _table(rows, names) -> int:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for at, name in enumerate(names):
        numbers = [row[at] for row in rows if row[at] is not None]
        right = bool(numbers) and all(isinstance(n, int | float | Decimal) and not isinstance(n, bool) for n in numbers)
        table.add_column(Text(plain(name)), justify="right" if right else "left", overflow="fold")
    for row in rows:
        # Text objects, never strings: a cell that holds [red] or [link=...] is shown as it is.
        table.add_row(*(Text("" if (text := words(value)) is None else plain(text)) for value in row))
    console().print(table)
    return len(rows)


def console():
    """A rich console on standard output; wide where nobody's window sets the width."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
    return Console(width=width, highlight=False, soft_wrap=False)


def _csv(rows, names) -> int:
    out, count = csv.writer(sys.stdout, lineterminator="\n"), 0
    out.writerow(map(quiet, names))
    for row in rows:
        out.writerow(quiet(value) if isinstance(value, str) else words(value) for value in row)
        count += 1
    return count


def _json(rows, names) -> int:
    keys, count = [in_json(name) for name in names], 0
    sys.stdout.write("[")
    for row in rows:
        pairs = ", ".join(f"{key}: {in_json(value)}" for key, value in zip(keys, row, strict=True))
        sys.stdout.write(("," if count else "") + "\n  {" + pairs + "}")
        count += 1
    sys.stdout.write("\n]\n" if count else "]\n")
    return count
