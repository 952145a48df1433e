"""The differences between two versions of a return, as lists that a page shows one at a time."""

from ..stewardship import compare
from ..stewardship.compare import Comparison
from .database import Connection, Row

KINDS = (  # attribute of Comparison, heading, and whether its entries are findings, cells or rows
    ("fixed", "Fixed", "findings"),
    ("still", "Still wrong", "findings"),
    ("new", "Newly wrong", "findings"),
    ("unasked", "Changed without being asked", "cells"),
    ("changed", "All changed cells", "cells"),
    ("added", "Rows added", "rows"),
    ("removed", "Rows removed", "rows"),
)


class Changes:
    """A comparison with the length of each of its lists."""

    KINDS = KINDS

    def __init__(self, made: Comparison) -> None:
        self.made = made
        self.counts = {name: getattr(made, name).height for name, _, _ in KINDS}

    def entries(self, name: str, offset: int, size: int) -> list[Row]:
        """A slice of one list."""
        rows: list[Row] = getattr(self.made, name).slice(offset, size).to_dicts()
        return rows


def of(connection: Connection, submission_id: str) -> Changes | None:
    """How a submission differs from the version that it answers; None for a first version."""
    found = compare.of_submissions(connection, submission_id)
    return Changes(found) if found else None
