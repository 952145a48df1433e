"""What reading a file gives: its tables as sent, by field, and what it is about; or the findings that say why not."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from .. import catalogue
from ..catalogue.layouts import Layout, TableLayout
from ..schemas.rules import PUBLISHER, TRUST
from . import findings


@dataclass(frozen=True)
class Place:
    """Where a table stands in its file.

    Attributes:
        header_line, header_end: the first and the last line of the heading row.
        headings: its cells as sent.
        positions: field -> column, counted from nought.
    """

    header_line: int
    header_end: int
    headings: list[str]
    positions: dict[str, int]


@dataclass
class Table:
    """One table as sent, by field.

    Attributes:
        frame: ``line`` and one String column a field (or helper column), exactly as sent.
        headings: field -> heading as sent.
        place: where it stands.
    """

    layout: TableLayout
    sheet: str | None
    frame: pl.DataFrame
    headings: dict[str, str]
    place: Place


@dataclass
class Reading:
    """What could be made of a file: its layout, what it is about, and its tables; or the findings that say why not.

    Attributes:
        delimiter, encoding: those of a text file, as they were found out.
    """

    collection: str
    file_name: str
    layout: Layout | None = None
    period: str | None = None
    sender: str | None = None
    part: str = ""
    tables: list[Table] = field(default_factory=list)
    findings: list[pl.DataFrame] = field(default_factory=list)
    delimiter: str = ","
    encoding: str = "utf-8"
    rows_read: int = 0
    rows_set_aside: int = 0
    closeness: float = 0.0  # share of the headings of the nearest template that were found

    @property
    def responsible(self) -> str:
        """Who must act on what is wrong with the file."""
        return PUBLISHER if catalogue.load(self.collection).is_national else TRUST

    def found(self, rule_id: str, message: str, **place: Any) -> None:
        """Adds a finding about the file."""
        self.findings.append(findings.one(rule_id, message, **{"responsible": self.responsible} | place))
