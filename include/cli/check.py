"""What would happen to a file: read and validated as the pipeline does it, without any service."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from .. import catalogue
from ..reading import findings, formats, safely
from ..reading.harmless import csv_safe_frame, harmless
from ..reading.raw_table import MAX_BYTES, Unreadable
from ..reading.read import read_opened, unreadable
from ..reading.reading import Reading
from ..stores import child_process
from ..stores.child_process import Ended
from ..validation.validate import validate
from . import Refused
from .output import SHOWN, Format, console, in_json, note, write_frame

VERDICTS = {
    "accepted": "would be accepted",
    "accepted_with_warnings": "would be accepted with warnings",
    "held": "would be held",
}
COLOURS = {"hold": "bold red", "reject": "red", "warn": "yellow", "info": "dim"}
COLUMNS = ["rule_id", "severity", "responsible", "sheet", "line", "column_name", "raw_value", "message"]

RECORD_FORMS = (".csv", ".parquet")


@dataclass
class Verdict:
    """What would happen to a file, and why.

    Attributes:
        findings: with at least the columns of `COLUMNS`.
        records: the accepted rows, typed, with sheet and line; None where nothing could be validated.
    """

    file: str
    state: str
    findings: pl.DataFrame
    collection: str | None = None
    layout: str | None = None
    period: str | None = None
    sender: str | None = None
    part: str | None = None
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("read", "recorded", "rejected", "held"), 0))
    note: str = ""
    records: pl.DataFrame | None = None

    def facts(self) -> dict[str, Any]:
        """Everything but the findings, in the order in which it is shown."""
        return {
            "file": self.file,
            "verdict": VERDICTS[self.state],
            "state": self.state,
            "collection": self.collection,
            "layout": self.layout,
            "period": self.period,
            "sender": self.sender,
            "part": self.part or None,
            **{f"rows_{name}": count for name, count in self.rows.items()},
            "note": self.note or None,
        }


def check(path: Path, collection: str | None = None) -> Verdict:
    """What would happen to the file at `path` if it were sent to a collection (found if it is not named).

    Raises:
        Refused: no such file, not a file, or not readable by us.
        catalogue.UnknownCollection: for a name that is not in the catalogue.
    """
    if collection:
        catalogue.load(collection)
    content = content_of(path)
    try:
        with silence():
            return child_process.run(_check, path, content, collection)
    except Ended as ended:
        return _unreadable(_shown(path.name), path, safely.why(ended, _shown(path.name)), collection)


def _check(path: Path, content: bytes, collection: str | None) -> Verdict:
    """Runs in the child process."""
    name = _shown(path.name)
    try:
        source = formats.opened(content, path.name)
    except Unreadable as error:
        return _unreadable(name, path, error, collection)
    del content
    called = _called(path)
    readings = []
    for candidate in [collection] if collection else called + [c for c in catalogue.all() if c not in called]:
        reading = read_opened(source, path.name, candidate)
        if reading.layout or reading.closeness == 1:
            return _validated(name, reading, _note(path, candidate, collection, called))
        readings.append(reading)
    return _fits_none(name, readings, called, collection)


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


def _called(path: Path) -> list[str]:
    """The collections that the file's name and its folder name, the file name first."""
    known = {word: name for name, one in catalogue.all().items() for word in (name, *one.also_called)}
    file_name = path.name.lower().removeprefix("sample_")
    by_name = [known[word] for word in sorted(known, key=len, reverse=True) if file_name.startswith(word)]
    folder = path.absolute().parent.name
    return list(dict.fromkeys(by_name + [name for name in [folder] if name in catalogue.all()]))


def _note(path: Path, found: str, named: str | None, called: list[str]) -> str:
    if named:
        return ""
    if found not in called:
        return f"The collection was identified by the headings. In the inbox, put the file in {found}/."
    folder = path.absolute().parent.name
    if folder in catalogue.all() and folder != found:
        return f"The file is in {folder}/ but is {found}. In the inbox, put it in {found}/."
    return ""


def _validated(name: str, reading: Reading, note: str = "") -> Verdict:
    outcome = validate(reading)
    return Verdict(
        name,
        outcome.state,
        outcome.findings,
        reading.collection,
        reading.layout.name if reading.layout else None,
        reading.period,
        reading.sender,
        reading.part,
        {
            "read": outcome.rows_read,
            "recorded": outcome.rows_recorded,
            "rejected": outcome.rows_rejected,
            "held": outcome.rows_held,
        },
        note,
        outcome.records,
    )


def _unreadable(name: str, path: Path, error: Unreadable, collection: str | None) -> Verdict:
    for told in [collection] if collection else _called(path):
        return _validated(name, unreadable(error, path.name, told))
    return Verdict(name, "held", findings.one(error.rule_id, error.message, **error.place))


def _fits_none(name: str, readings: list[Reading], called: list[str], named: str | None) -> Verdict:
    """Held: told as the collection that was named or that the file is called after, else as the one that is closest."""
    closest = max(readings, key=lambda reading: reading.closeness)
    told = readings[0] if named or called else closest
    too_much = next(
        (r for r in readings if findings.join(r.findings)["rule_id"].is_in(["FIL-SIZE", "FIL-DAMAGED"]).any()), None
    )
    if too_much and not (named or called):
        return Verdict(name, "held", findings.join(too_much.findings))
    if named or called:
        better = closest is not told and closest.closeness > told.closeness + 0.3
        hint = f" Its headings are closer to {closest.collection}." if better else ""
        return _validated(name, told, f"It was checked as {told.collection}.{hint}")
    if closest.closeness >= 0.25:
        return _validated(name, closest, f"It matches no known template; {closest.collection} is the closest.")
    says = (
        f"{name} matches no known template ({', '.join(catalogue.all())}). "
        "Expected a return made from a template (trust-benchmarks template COLLECTION) or a file as its publisher issues it. "
        "If it is one, name its collection: trust-benchmarks check FILE --collection NAME."
    )
    return Verdict(name, "held", findings.one("STR01", says, line=1))


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
