"""Events that people add to the timeline: read from a file, checked whole, added by the database's own function, or withdrawn."""

import json
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

from ..catalogue.layouts import plain
from ..reading import formats
from ..reading.raw_table import Grid, Unreadable
from ..reading.workbook import book_grid
from ..stores.refusals import Refused as Refused
from ..stores.refusals import ask
from .event_checks import FIELDS, Checked

MOST = 5_000  # events of one file


@dataclass(frozen=True)
class Added:
    """What became of a file or a form: the ids of the events that were added, and how many were there already."""

    ids: tuple[str, ...]
    already: int


def read(content: bytes, file_name: str, delimiter: str = ",") -> Checked:
    """Every row of a file of events, checked; `delimiter` is what stands between cells of text. A file that cannot be read is a finding too."""
    checked = Checked()
    try:
        heading_line, headings, grid, sheet = _table(content, file_name, delimiter)
    except Unreadable as problem:
        checked.found(problem.rule_id, problem.message, **problem.place)
        return checked
    positions = {plain(heading): at for at, heading in reversed(list(enumerate(headings)))}
    missing = [name for name, spec in FIELDS.items() if plain(name) not in positions and spec.required]
    known = {plain(name) for name in FIELDS}
    strange = [heading for heading in headings if heading.strip() and plain(heading) not in known]
    twice = [heading for at, heading in enumerate(headings) if heading.strip() and positions[plain(heading)] != at]
    if missing or strange or twice:
        parts = [
            f"{words}: {', '.join(names)}"
            for words, names in (("missing", missing), ("not expected", strange), ("repeated", twice))
            if names
        ]
        checked.found(
            "STR01",
            f"The headings do not match: {'; '.join(parts)}. Expected in the first row: {', '.join(FIELDS)}.",
            line=heading_line, sheet=sheet, raw_value=",".join(headings),
        )  # fmt: skip
        return checked
    for line, cells in grid.ragged:
        checked.found(
            "STR02", f"This row has {len(cells)} cells but there are {len(headings)} headings. Look for a comma or a tab outside quotes.",
            line=line, sheet=sheet, raw_value=",".join(cells),
        )  # fmt: skip
    rows = [row for row in grid.frame.iter_rows() if any((cell or "").strip() for cell in row[1:])]
    if len(rows) > MOST:
        checked.found("FIL-SIZE", f"The file has {len(rows):,} events; the limit is {MOST:,}. Split the file.")
        return checked
    if not rows and not grid.ragged:
        checked.found("FIL-EMPTY", f"{file_name} has headings but no events. Add a row for each event.")
    for line, *cells in rows:
        checked.add(
            {name: cells[positions[plain(name)]] or "" for name in FIELDS if plain(name) in positions}, line, sheet
        )
    return checked


class _Table(NamedTuple):
    """The first row with anything in it as headings, and the grid below."""

    line: int
    headings: list[str]
    grid: Grid
    sheet: str | None


def _table(content: bytes, file_name: str, delimiter: str) -> _Table:
    source = formats.opened(content, file_name)
    if source.book is None:
        text, _ = source.decoded
        head = formats.csv_head(text, delimiter)
        at = next((at for at, (_, cells) in enumerate(head) if any(cell.strip() for cell in cells)), None)
        if at is None:
            raise Unreadable("FIL-EMPTY", f"{file_name} is empty. Check the file and send it again.")
        line, headings = head[at]
        after = head[at + 1][0] if at + 1 < len(head) else line + _height(headings)
        headings = _trimmed(headings)
        return _Table(line, headings, formats.csv_grid(text, delimiter, after - 1, len(headings)), None)
    sheet = next((name for name in source.book.visible if source.book.rows(name)), None)
    if sheet is None:
        raise Unreadable("FIL-EMPTY", f"{file_name} is a workbook without any data. Check the file and send it again.")
    rows = source.book.rows(sheet)
    line = next((number for number, cells in enumerate(rows, 1) if any(cell.strip() for cell in cells)), 1)
    headings = _trimmed(rows[line - 1])
    return _Table(line, headings, book_grid(rows, line, len(headings)), sheet)


def _height(headings: list[str]) -> int:
    """How many lines of text a row of headings takes."""
    return 1 + sum(heading.count("\n") for heading in headings)


def _trimmed(cells: list[str]) -> list[str]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def check_one(cells: dict[str, str]) -> Checked:
    """One event from a form: texts by the names of `FIELDS`."""
    checked = Checked()
    checked.add(cells)
    return checked


def add(connection: psycopg.Connection, checked: Checked, person: str, file_name: str | None = None) -> Added:
    """Adds all events of a file or form, or none; those that are there already are counted and left.

    Raises:
        Refused: there are findings, or the database does not allow one of them.
    """
    if checked.findings.height:
        raise Refused(f"{checked.findings.height} errors were found, so nothing was added.")
    made = []
    with connection.transaction():
        for number, event in enumerate(checked.events, 1):
            where = f"Event {number} of {len(checked.events)}: " if len(checked.events) > 1 else ""
            try:
                added = ask(
                    connection, "SELECT core.add_event(%s, %s::jsonb, %s)", [person, json.dumps(event), file_name]
                )
                made.append(added[0])
            except Refused as problem:
                raise Refused(f"{where}{problem} Nothing was added.") from None
    ids = tuple(one for one in made if one)
    return Added(ids, len(made) - len(ids))


def withdraw(connection: psycopg.Connection, event_id: str, person: str, reason: str) -> None:
    """Takes back an event that somebody entered, by one more fact with a reason.

    Raises:
        Refused: there is no such event, it was withdrawn already, or there is no reason.
    """
    ask(connection, "SELECT core.withdraw_event(%s, %s, %s)", [event_id, person, reason.replace("\x00", "")])
