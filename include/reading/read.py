"""A file's bytes to tables of text by field: finds the layout that fits, the period, the sender and the data rows."""

from datetime import datetime

from . import csv_tables, formats, workbook_tables
from .identify import identify
from .raw_table import Unreadable
from .reading import Reading


def read(content: bytes, file_name: str, collection: str, received_at: datetime | None = None) -> Reading:
    """Reads a file as a submission to a collection; never raises for what is in the file.

    Args:
        content: the file's bytes, gzip or not.
        file_name: its name without folders.
        received_at: when it was received, which its period must have ended by; None: now.
    """
    try:
        source = formats.opened(content, file_name)
    except Unreadable as error:
        return unreadable(error, file_name, collection, received_at)
    return read_opened(source, file_name, collection, received_at)


def read_opened(
    source: formats.Source, file_name: str, collection: str, received_at: datetime | None = None
) -> Reading:
    """The same for a file that was opened before, so that several collections may look at it."""
    reading = Reading(collection, file_name)
    try:
        (csv_tables if source.kind == "csv" else workbook_tables).read(reading, source)
    except Unreadable as error:
        reading.found(error.rule_id, error.message, **error.place)
    identify(reading, received_at)
    return reading


def unreadable(error: Unreadable, file_name: str, collection: str, received_at: datetime | None = None) -> Reading:
    """What is known of a file that could not be opened: what its name says, and why it could not."""
    reading = Reading(collection, file_name)
    reading.found(error.rule_id, error.message, **error.place)
    identify(reading, received_at)
    return reading
