"""Files as they were sent, for the pages: the lines around findings, and one version compared with the one before."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from ..reading.reading import Reading
from ..stewardship import compare, submitted_file
from . import database

PATIENCE = 0.4  # seconds that a page waits for a file to be read
_readers = ThreadPoolExecutor(2, thread_name_prefix="reading")
_reading: dict[str, Future] = {}
_guard = threading.Lock()


def around(one: dict, findings: list[dict]) -> tuple[dict[str, submitted_file.Around], bool]:
    """The lines around each finding that names a line, by finding; and whether the file is still being read.

    A page does not wait for a large file: it is read in the background, and the lines are there when it is asked for again.
    """
    placed = [row for row in findings if row["line"] is not None]
    if not placed:
        return {}, False
    with _guard:
        task = _reading.get(one["submission_id"])
        if task is None:
            task = _reading[one["submission_id"]] = _readers.submit(_read, one["submission_id"])
    try:
        reading = task.result(PATIENCE)
    except TimeoutError:
        return {}, True
    finally:
        if task.done():  # what was read is kept by submitted_file.as_sent, as long as there is room
            with _guard:
                _reading.pop(one["submission_id"], None)
    found = submitted_file.lines_around(reading, [(row["sheet"], row["line"], row["column_name"]) for row in placed])
    return {row["finding_id"]: lines for row, lines in zip(placed, found, strict=True) if lines}, False


def _read(submission_id: str) -> Reading:
    with database.opened() as connection:
        content = submitted_file.content_of(connection, submission_id)
    return submitted_file.as_sent(*content)


def changes(connection, one: dict) -> "Changes | None":
    """How a submission differs from the version that it answers; None for a first version."""
    found = compare.of_submissions(connection, one["submission_id"])
    return Changes(found) if found else None


class Changes:
    """A comparison as the pages show it: seven lists, counted, of which one is looked at page by page."""

    KINDS = (  # name, in words, whether its entries are findings, cells or rows
        ("fixed", "Fixed", "findings"),
        ("still", "Still wrong", "findings"),
        ("new", "Newly broken", "findings"),
        ("unasked", "Changed without being asked", "cells"),
        ("changed", "All changed cells", "cells"),
        ("added", "Rows added", "rows"),
        ("removed", "Rows taken out", "rows"),
    )

    def __init__(self, made: compare.Comparison):
        self.made = made
        self.counts = {name: getattr(made, name).height for name, _, _ in self.KINDS}

    def entries(self, what: str, offset: int, size: int) -> list[dict]:
        """Some entries of one list."""
        return getattr(self.made, what).slice(offset, size).to_dicts()
