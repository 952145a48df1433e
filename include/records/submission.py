"""A registered submission, and the return that it is a version of."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from .. import sql
from ..reading import safely
from ..reading.raw_table import Unreadable
from . import archived


class Return(NamedTuple):
    """Whose versions replace each other: a collection, period, sender and part. What is not known is None."""

    collection: str
    period: str | None
    sender: str | None
    part: str


class Submission(NamedTuple):
    """A file as it was registered.

    Attributes:
        says_arrived: what a sample says of its arrival, where that is not a time.
        sent_by: the trust below whose code it lay in the inbox, where it says that it is from another.
    """

    submission_id: str
    collection: str
    period: str | None
    sender: str | None
    part: str
    archive_key: str
    sha256: str
    size: int
    file_name: str
    received_at: datetime
    says_arrived: str | None
    sent_by: str | None = None

    @property
    def of(self) -> Return:
        """The return that it is a version of."""
        return Return(self.collection, self.period, self.sender, self.part)

    @property
    def too_large(self) -> Unreadable | None:
        """Why the file is not even fetched; None where it is."""
        return safely.too_large(self.file_name, self.size)

    def local(self, connection: psycopg.Connection) -> Path:
        """A local copy of the archived file."""
        return archived.local(connection, self.archive_key, self.sha256)


def load(connection: psycopg.Connection, submission_id: str) -> Submission:
    """The submission of that id.

    Raises:
        LookupError: when the ledger has none.
    """
    found = load_each(connection, [submission_id])
    if not found:
        raise LookupError(f"There is no submission '{submission_id}' in the ledger. List them in intake.submissions.")
    return found[0]


def load_each(connection: psycopg.Connection, submission_ids: list[str]) -> list[Submission]:
    """The submissions of these ids that the ledger has, in the order of the ids."""
    with connection.cursor(row_factory=class_row(Submission)) as cursor:
        return cursor.execute(sql.text("records/submissions.sql"), {"submission_ids": submission_ids}).fetchall()


def new_ones(connection: psycopg.Connection, submission_ids: list[str]) -> set[str]:
    """Those that were never validated and that no decision applies to, as most: then neither needs to be looked up."""
    rows = connection.execute(sql.text("records/new_ones.sql"), {"submission_ids": submission_ids}).fetchall()
    return {row[0] for row in rows}
