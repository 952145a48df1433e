"""Reads files from outside in the child process, and says why where one took more than it may or broke its reader."""

import errno
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ..stores import child_process, settings
from ..stores.child_process import Ended
from . import read as in_this_process
from .raw_table import Unreadable
from .reading import Reading


def read(
    content: bytes | Path, file_name: str, collection: str, received_at: datetime | None = None, *, tables: bool = True
) -> Reading:
    """Reads a file, or the file at a path, as a submission to a collection; never raises for what is in it (see `read.read`).

    Args:
        tables: whether the tables are wanted, and not only what the file is about.
    """
    try:
        return child_process.run(_read, content, file_name, collection, received_at, tables)
    except Ended as ended:
        return in_this_process.unreadable(why(ended, file_name), file_name, collection, received_at)


def _read(
    content: bytes | Path, file_name: str, collection: str, received_at: datetime | None, tables: bool
) -> Reading:
    reading = in_this_process.read(bytes_of(content), file_name, collection, received_at)
    return reading if tables else replace(reading, tables=[])


def bytes_of(content: bytes | Path) -> bytes:
    """The bytes, or those at a path; for functions that run in the child.

    Raises:
        OSError: it cannot be read, which is no fault of the file.
    """
    if isinstance(content, bytes):
        return content
    try:
        return content.read_bytes()
    except OSError as problem:
        raise OSError(errno.EIO, f"The local copy {content} cannot be read ({problem.strerror})") from problem


def too_large(file_name: str, size: int) -> Unreadable | None:
    """The finding about a file that is larger than is read; None where it is not."""
    most = settings.largest_file()
    if size <= most:
        return None
    return Unreadable("FIL-SIZE", f"{file_name} is larger than {most >> 20} MB. Split it and send the parts.")


def why(ended: Ended, file_name: str) -> Unreadable:
    """The finding about a file over which the child ended.

    Raises:
        Ended: that says nothing about the file.
    """
    if ended.reason == "stuck":
        raise ended
    if ended.reason == "broke":
        return Unreadable(
            "FIL-DAMAGED",
            f"{file_name} cannot be opened: {ended}. Save it again in the program that it was made with, or as CSV, and send it.",
        )
    return Unreadable(
        "FIL-SIZE",
        f"{file_name} could not be read and checked: {ended}. Expected the table that is asked for: remove empty rows and columns, formatting "
        "and other sheets, send CSV in place of a workbook, or split it and send the parts.",
    )
