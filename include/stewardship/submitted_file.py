"""The file of a submission as it was sent, for showing: its reading, kept for a while, and the lines around a place."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

import psycopg

from ..ingest.inbox import archive_key
from ..reading.harmless import harmless
from ..reading.read import read
from ..reading.reading import Reading, Table
from ..stores import objects, settings

MOST_KEPT = 128 * 1024 * 1024  # bytes of tables that are kept for the next question
_kept: OrderedDict[tuple[str, str, str], tuple[Reading, int]] = OrderedDict()
_guard = threading.Lock()


@dataclass(frozen=True)
class Around:
    """A place in a file with the lines before and after it, as plain text.

    Attributes:
        headings: the heading row, a text a column that is read.
        at: which column is meant, counted from nought; None when the whole line is.
        lines: (line, cells) in the order of the file; the line itself is not among them where it could not be cut into cells.
    """

    sheet: str | None
    line: int
    column_name: str | None
    headings: list[str]
    at: int | None
    lines: list[tuple[int, list[str]]]


def content_of(connection: psycopg.Connection, submission_id: str) -> tuple[bytes, str, str]:
    """A submission's bytes as they were sent, its file name and its collection.

    Raises:
        LookupError: there is no such submission.
    """
    row = connection.execute(
        "SELECT sha256, file_name, collection FROM intake.submissions WHERE submission_id = %s", [submission_id]
    ).fetchone()
    if row is None:
        raise LookupError(f"There is no submission '{harmless(submission_id, 40)}'. List them in intake.submissions.")
    sha256, file_name, collection = row
    return objects.content(settings.load().archive, archive_key(sha256), sha256), file_name, collection


def as_sent(content: bytes, file_name: str, collection: str) -> Reading:
    """What was read from a file, kept for the next question about it. Others share it: change nothing in it."""
    name = hashlib.sha256(content).hexdigest(), file_name, collection
    with _guard:
        if name in _kept:
            _kept.move_to_end(name)
            return _kept[name][0]
    reading = read(content, file_name, collection)
    size = 4096 + sum(frame.estimated_size() for frame in [*(t.frame for t in reading.tables), *reading.findings])
    if size <= MOST_KEPT:
        with _guard:
            _kept[name] = reading, size
            while sum(size for _, size in _kept.values()) > MOST_KEPT:
                _kept.popitem(last=False)
    return reading


def lines_around(
    reading: Reading, places: list[tuple[str | None, int | None, str | None]], around: int = 1
) -> list[Around | None]:
    """The lines around each place (sheet, line, heading) of a file; None where no table was read or no line is named."""
    return [_around(reading, *place, around) for place in places]


def table_of(reading: Reading, sheet: str | None) -> Table | None:
    """The table that stands on a sheet; the only one, if there is one."""
    named = [table for table in reading.tables if table.sheet == sheet]
    return named[0] if named else reading.tables[0] if len(reading.tables) == 1 else None


def _around(reading: Reading, sheet, line, column_name, around: int) -> Around | None:
    table = table_of(reading, sheet)
    if table is None or line is None:
        return None
    lines = table.frame["line"]
    row = lines.search_sorted(line)
    there = row < lines.len() and lines[row] == line
    start = max(0, row - around)
    shown = table.frame.slice(start, row + around + there - start)
    headings = list(table.headings.values())
    return Around(
        table.sheet,
        line,
        column_name,
        [harmless(heading) for heading in headings],
        headings.index(column_name) if column_name in headings else None,
        [
            (number, [harmless(cell) for cell in cells])
            for number, *cells in shown.select("line", *table.headings).rows()
        ],
    )
