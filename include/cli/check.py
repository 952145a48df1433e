"""Prints what would happen to a file: read and validated as the pipeline does it, without any service."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from .. import catalogue
from ..reading.harmless import csv_safe_frame, harmless
from ..reading.raw_table import MAX_BYTES
from ..records import file_check
from ..records.file_check import VERDICTS, Verdict
from . import Refused
from .output import SHOWN, Format, console, in_json, note, write_frame

COLOURS = {"hold": "bold red", "reject": "red", "warn": "yellow", "info": "dim"}
COLUMNS = ["rule_id", "severity", "responsible", "sheet", "line", "column_name", "raw_value", "message"]

RECORD_FORMS = (".csv", ".parquet")


def check(path: Path, collection: str | None = None) -> Verdict:
    """What would happen to the file at `path` if it were sent to a collection (found if it is not named).

    Raises:
        Refused: no such file, not a file, or not readable by us.
        catalogue.UnknownCollection: for a name that is not in the catalogue.
    """
    if collection:
        catalogue.load(collection)
    content = content_of(path)
    with silence():
        return file_check.check(content, _shown(path.name), path.absolute().parent.name, collection)


def content_of(path: Path) -> bytes:
    """The bytes of a file that a person named.

    Raises:
        Refused: it cannot be read.
    """
    shown = _shown(str(path))
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise Refused(f"{shown} is a folder. Name one file in it, for example: trust-benchmarks check {shown}/FILE")
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"{shown} is not a plain file (a device, pipe or socket). Save it as a file and name that.")
        with path.open("rb") as opened:
            # One byte more than is read anywhere is enough to tell that a file is too large.
            return opened.read(MAX_BYTES + 1 if status.st_size > MAX_BYTES else -1)
    except FileNotFoundError:
        raise Refused(f"There is no file {shown}. Check the name and the folder you are in.") from None
    except PermissionError:
        raise Refused(f"{shown} may not be read by this user. Ask for the right to read it, or copy it.") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise Refused(f"{shown} cannot be read ({reason}). Copy it to this machine's disk and try again.") from None


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")


@contextmanager
def silence() -> Iterator[None]:
    """Hides what Rust libraries print about a damaged file; a finding says it."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def check_target(target: Path) -> None:
    """Refuses a file for records that has another ending than .csv and .parquet, or that exists."""
    if target.suffix.lower() not in RECORD_FORMS:
        raise Refused(
            f"Records cannot be written to {_shown(str(target))}. Expected a name that ends in .csv or .parquet."
        )
    if target.exists():
        raise Refused(f"{_shown(str(target))} already exists and was not changed. Name another file with --records.")


def write_records(verdict: Verdict, target: Path) -> None:
    """Writes the accepted rows, typed, with sheet and line, to a new CSV or Parquet file (see `check_target`).

    Nothing of a file that would be held is recorded, so none is written then. In CSV, texts that a spreadsheet would run carry
    a mark, as in all CSV that we write; Parquet holds every value as it is recorded.
    """
    shown = _shown(str(target))
    if verdict.state == "held" or verdict.records is None:
        note(f"{verdict.file} would be held and no rows recorded, so {shown} was not written.")
        return
    try:
        with target.open("xb") as file:
            if target.suffix.lower() == ".parquet":
                verdict.records.write_parquet(file)
            else:
                csv_safe_frame(verdict.records).write_csv(file)
    except FileExistsError:
        raise Refused(f"{shown} already exists and was not changed. Name another file with --records.") from None
    except OSError as problem:
        raise Refused(f"{shown} cannot be written ({problem.strerror}). Name another place with --records.") from None
    note(f"Wrote {verdict.records.height:,} accepted rows to {shown}.")


def show(verdict: Verdict, form: Format) -> None:
    """Writes a verdict: all of it as a table or JSON; as CSV the findings, with the verdict on standard error."""
    if form is Format.json:
        facts = ",\n".join(f"  {in_json(name)}: {in_json(value)}" for name, value in verdict.facts().items())
        sys.stdout.write("{\n" + facts + ',\n  "findings": ')
        write_frame(verdict.findings.select(COLUMNS), form)
        sys.stdout.write("}\n")
    elif form is Format.csv:
        write_frame(verdict.findings.select(COLUMNS), form)
        note(f"{verdict.file} {VERDICTS[verdict.state]}.")
    else:
        _show_table(verdict)


def _show_table(verdict: Verdict) -> None:
    out = console()
    colour = {"accepted": "bold green", "accepted_with_warnings": "bold yellow", "held": "bold red"}[verdict.state]
    out.print(
        Text.assemble(
            Text(harmless(verdict.file, None), style="bold"), " ", Text(VERDICTS[verdict.state], style=colour)
        )
    )
    about = Table.grid(padding=(0, 2))
    for name in ("collection", "layout", "period", "sender", "part"):
        about.add_row(Text(f"  {name}", style="dim"), Text(harmless(verdict.facts()[name] or "not known", None)))
    rows = ", ".join(f"{count:,} {name}" for name, count in verdict.rows.items())
    about.add_row(Text("  rows", style="dim"), Text(rows))
    if verdict.note:
        about.add_row(Text("  note", style="dim"), Text(harmless(verdict.note, None)))
    out.print(about)
    if not verdict.findings.height:
        out.print("\nNo errors or warnings were found.")
        return
    out.print(Text("\n" + _counted(verdict.findings)))
    table = Table(show_edge=False, pad_edge=False, box=None, header_style="dim", padding=(0, 2, 0, 0))
    for column, width in (("rule", 11), ("severity", 8), ("place", 26), ("found", 22)):
        table.add_column(column, max_width=width, overflow="fold")
    table.add_column("message", ratio=1, overflow="fold")
    for row in verdict.findings.head(SHOWN).iter_rows(named=True):
        severity = row["severity"]
        found = harmless(row["raw_value"] or "", None)
        table.add_row(
            Text(row["rule_id"]),
            Text(severity, style=COLOURS.get(severity, "")),
            Text(_place(row)),
            Text(found if len(found) <= 60 else found[:59] + "…"),
            Text(harmless(row["message"], None)),
        )
    out.print(table)
    if verdict.findings.height > SHOWN:
        out.print(
            f"\n{verdict.findings.height - SHOWN:,} more findings are not shown here. "
            "All of them, for a spreadsheet: add --format csv > findings.csv"
        )


def _place(row: dict[str, Any]) -> str:
    pieces = [f"sheet {harmless(row['sheet'], None)}"] if row["sheet"] else []
    pieces += [f"line {row['line']}"] if row["line"] is not None else []
    pieces += [harmless(row["column_name"], None)] if row["column_name"] else []
    return ", ".join(pieces) or "whole file"


def _counted(found: pl.DataFrame) -> str:
    count = dict(found["severity"].value_counts().rows())
    says = {
        "hold": "{} that hold the return",
        "reject": "{} that leave a row out",
        "warn": "{} to check",
        "info": "{} for information",
    }
    told = ", ".join(says[severity].format(f"{count[severity]:,}") for severity in says if severity in count)
    return f"Findings: {told}."
