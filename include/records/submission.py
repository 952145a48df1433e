"""A registered submission, and the return that it is a version of."""

from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from .. import sql
from ..stores import objects, settings


class Return(NamedTuple):
    """Whose versions replace each other: a collection, period, sender and part. What is not known is None."""

    collection: str
    period: str | None
    sender: str | None
    part: str


class Submission(NamedTuple):
    """A file as it was registered. `says_arrived` is what a sample says of its arrival, where that is not a time."""

    submission_id: str
    collection: str
    period: str | None
    sender: str | None
    part: str
    archive_key: str
    sha256: str
    file_name: str
    received_at: datetime
    says_arrived: str | None

    @property
    def of(self) -> Return:
        """The return that it is a version of."""
        return Return(self.collection, self.period, self.sender, self.part)

    def content(self) -> bytes:
        """The archived file."""
        return objects.content(settings.load().archive, self.archive_key, self.sha256)


def load(connection: psycopg.Connection, submission_id: str) -> Submission:
    """The submission of that id.

    Raises:
        LookupError: when the ledger has none.
    """
    with connection.cursor(row_factory=class_row(Submission)) as cursor:
        found = cursor.execute(sql.text("records/submission.sql"), {"submission_id": submission_id}).fetchone()
    if found is None:
        raise LookupError(f"There is no submission '{submission_id}' in the ledger. List them in intake.submissions.")
    return found


def is_new(connection: psycopg.Connection, submission_id: str) -> bool:
    """Whether it was never validated and no decision applies to it, as for most: then neither needs to be looked up."""
    row = connection.execute(sql.text("records/is_new.sql"), {"submission_id": submission_id}).fetchone()
    return row is not None and bool(row[0])
