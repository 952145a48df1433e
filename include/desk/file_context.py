"""The lines of the file around each finding, read in the background so that no page waits for a large file."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from ..reading.reading import Reading
from ..stewardship import submitted_file
from ..stewardship.submitted_file import Around
from . import database
from .database import Row

PATIENCE = 0.4  # seconds that a page waits for a file to be read
_readers = ThreadPoolExecutor(2, thread_name_prefix="reading")
_reading: dict[str, Future[Reading]] = {}
_guard = threading.Lock()


def around(submission_id: str, findings: list[Row]) -> tuple[dict[str, Around], bool]:
    """The lines around each finding that names a line, by finding_id; and whether the file is still being read."""
    placed = [row for row in findings if row["line"] is not None]
    if not placed:
        return {}, False
    with _guard:
        task = _reading.setdefault(submission_id, _reading.get(submission_id) or _readers.submit(_read, submission_id))
    try:
        reading = task.result(PATIENCE)
    except TimeoutError:
        return {}, True
    finally:
        if task.done():  # submitted_file caches what was read
            with _guard:
                _reading.pop(submission_id, None)
    places = [(row["sheet"], row["line"], row["column_name"]) for row in placed]
    found = submitted_file.lines_around(reading, places)
    return {row["finding_id"]: lines for row, lines in zip(placed, found, strict=True) if lines}, False


def _read(submission_id: str) -> Reading:
    with database.opened() as connection:
        file = submitted_file.content_of(connection, submission_id)
    return submitted_file.as_sent(*file)
