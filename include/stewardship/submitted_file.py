"""A submission and its file as sent: its facts, its bytes, its reading (cached), and the lines around a place."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from ..ingest.inbox import archive_key
from ..reading import safely
from ..reading.harmless import harmless
from ..reading.raw_table import Unreadable
from ..reading.read import unreadable
from ..reading.reading import Reading, Table
from ..stores import cache, objects, settings
from . import queries

CACHE_BYTES = 128 * 1024 * 1024  # of tables that are kept for the next question
_cache: OrderedDict[tuple[str, str, str], tuple[Reading, int]] = OrderedDict()
_guard = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What the ledger knows of a submission.

    Attributes:
        name: of the sender.
        is_returned: whether a steward returned it to the trust.
        counting: the submission of the same return that is included in published figures.
    """

    submission_id: str
    sha256: str
    collection: str
    file_name: str
    period: str | None = None
    sender: str | None = None
    name: str | None = None
    version: int | None = None
    received_at: datetime | None = None
    state: str = "received"
    rows_read: int | None = None
    rows_recorded: int | None = None
    rows_rejected: int | None = None
    rows_held: int | None = None
    is_sample: bool = False
    is_newest: bool = True
    is_returned: bool = False
    due: datetime | None = None
    closes: datetime | None = None
    counting: str | None = None


class SentFile(NamedTuple):
    """The bytes of a submission as sent (None: it is too large to be read), its file name and its collection."""

    content: bytes | None
    file_name: str
    collection: str


@dataclass(frozen=True)
class Around:
    """A place in a file with the lines before and after it, as plain text.

    Attributes:
        headings: the heading row, one text for each column that is read.
        at: the position of the column in `headings`; None for the whole line.
        lines: (line, cells) in file order; the line itself is missing where it could not be split into cells.
    """

    sheet: str | None
    line: int
    column_name: str | None
    headings: list[str]
    at: int | None
    lines: list[tuple[int, list[str]]]


def submission(connection: psycopg.Connection[Any], submission_id: str) -> Submission:
    """One submission.

    Raises:
        LookupError: there is no such submission.
    """
    found = queries.first(connection, "stewardship/submission", Submission, submission_id=submission_id)
    if found is None:
        raise _unknown(submission_id)
    return found


def content_of(connection: psycopg.Connection[Any], submission_id: str) -> SentFile:
    """The file of a submission from the archive.

    Raises:
        LookupError: there is no such submission.
    """
    row = connection.execute(
        "SELECT sha256, file_name, collection FROM intake.submissions WHERE submission_id = %s", [submission_id]
    ).fetchone()
    if row is None:
        raise _unknown(submission_id)
    sha256, file_name, collection = row
    try:
        content = cache.content(settings.load().archive, archive_key(sha256), sha256)
    except objects.TooLarge:
        return SentFile(None, file_name, collection)
    return SentFile(content, file_name, collection)


def _unknown(submission_id: str) -> LookupError:
    return LookupError(
        f"There is no submission '{harmless(submission_id, 40)}'. intake.submissions lists all submissions."
    )


def as_sent(content: bytes | None, file_name: str, collection: str) -> Reading:
    """The reading of a file, cached. Callers share it and must not change it."""
    if content is None:
        return unreadable(too_large(file_name), file_name, collection)
    key = hashlib.sha256(content).hexdigest(), file_name, collection
    with _guard:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key][0]
    reading = safely.read(content, file_name, collection)
    frames = [*(table.frame for table in reading.tables), *reading.findings]
    size = 4096 + sum(int(frame.estimated_size()) for frame in frames)
    if size <= CACHE_BYTES:
        with _guard:
            _cache[key] = reading, size
            while sum(size for _, size in _cache.values()) > CACHE_BYTES:
                _cache.popitem(last=False)
    return reading


def too_large(file_name: str) -> Unreadable:
    """Why a file has no bytes here."""
    return safely.too_large(file_name, settings.largest_file() + 1) or Unreadable("FIL-SIZE", file_name)


def lines_around(
    reading: Reading, places: list[tuple[str | None, int | None, str | None]], around: int = 1
) -> list[Around | None]:
    """The lines around each place (sheet, line, heading) of a file; None where no table was read or no line is named."""
    return [_around(reading, *place, around) for place in places]


def _around(
    reading: Reading, sheet: str | None, line: int | None, column_name: str | None, around: int
) -> Around | None:
    table = _table_on(reading, sheet)
    if table is None or line is None:
        return None
    lines = table.frame["line"]
    row = int(lines.search_sorted(line))
    is_there = row < lines.len() and lines[row] == line
    start = max(0, row - around)
    shown = table.frame.slice(start, row + around + is_there - start).select("line", *table.headings)
    headings = list(table.headings.values())
    return Around(
        table.sheet,
        line,
        column_name,
        [harmless(heading) for heading in headings],
        headings.index(column_name) if column_name in headings else None,
        [(number, [harmless(cell) for cell in cells]) for number, *cells in shown.rows()],
    )


def _table_on(reading: Reading, sheet: str | None) -> Table | None:
    """The table on a sheet; the only table, if there is one."""
    named = [table for table in reading.tables if table.sheet == sheet]
    return named[0] if named else reading.tables[0] if len(reading.tables) == 1 else None
