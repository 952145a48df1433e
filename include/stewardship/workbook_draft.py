"""A workbook while it is being written: cell formats, sheet names, and cells that keep what was sent."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from ..reading.harmless import MOST_IN_CELL, in_cell, runs

MOST_ROWS = 1_048_576  # of a sheet, in Excel

# Formats of cells with findings, worst first: fill colour, and border and font for readers who cannot see the colour.
LOOKS: dict[str, dict[str, object]] = {
    "must": {"bg_color": "#F6CCC8", "border": 5, "bold": True},
    "look": {"bg_color": "#FFF0C2", "border": 3, "italic": True},
    "none": {"bg_color": "#E4E7EB", "border": 4},
}
EXACT = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{0,14}[1-9])?", re.ASCII)


@dataclass
class WorkbookDraft:
    """A workbook while it is being written.

    Attributes:
        looks: for each finding, a key of `LOOKS`.
        notices: sentences for the sheet of findings.
        names: sheet names in use, case-folded.
        places: finding number -> sheet, row, column.
        answerable: the numbers of the findings that the trust can answer in the workbook.
        notes, unnoted: cells with a finding that got a note, and those beyond the limit.
        replaced: cells with characters that cannot be shown.
        too_long: places of cells that had to be cut.
    """

    book: xlsxwriter.Workbook
    findings: pl.DataFrame
    looks: list[str]
    notices: list[str]
    names: set[str] = field(default_factory=set)
    formats: dict[tuple[str | None, str], Format] = field(default_factory=dict)
    places: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    answerable: list[int] = field(default_factory=list)
    notes: int = 0
    unnoted: int = 0
    replaced: int = 0
    too_long: list[str] = field(default_factory=list)

    def cell_format(self, look: str | None, style: str) -> Format | None:
        """The format of a cell, made once.

        Args:
            look: a key of `LOOKS`, or None.
            style: 'text', 'risky' (a text that a spreadsheet might run), a number format, or ''.
        """
        key = look, style
        if key not in self.formats and (look or style):
            properties = dict(LOOKS[look]) if look else {}
            if style in ("text", "risky"):
                properties["num_format"] = "@"  # keeps what somebody types there as text
            elif style:
                properties["num_format"] = style
            if style == "risky":
                properties["quote_prefix"] = True  # else editing the cell would make a formula of it
            self.formats[key] = self.book.add_format(properties)
        return self.formats.get(key)

    def sheet_name(self, name: str) -> str:
        """A valid and unused sheet name, as close as possible to the one given."""
        plain = re.sub(r"[\[\]:*?/\\\t\n]", "-", in_cell(name))
        plain = plain.encode("utf-16-le")[:62].decode("utf-16-le", "ignore").strip("' \t\n") or "sheet"
        unique, number = plain, 1
        while unique.casefold() in self.names or unique.casefold() == "history":
            number += 1
            unique = f"{plain[: 28 - len(str(number))].rstrip()} ({number})"
        self.names.add(unique.casefold())
        return unique


def write_cell(
    draft: WorkbookDraft, out: Worksheet, row: int, column: int, text: str, as_text: bool, look: str | None
) -> None:
    """Writes a cell as sent: as a number if a spreadsheet shows that number as exactly this text, else as text."""
    if not as_text and len(text) <= 32:
        value, style = _number(text)
        if value is not None:
            out.write_number(row, column, value, draft.cell_format(look, style))
            return
    shown = in_cell(text)
    if shown != text:
        _note_change(draft, f"{out.get_name()}!{xl_rowcol_to_cell(row, column)}", text, shown)
    form = draft.cell_format(look, "risky" if runs(shown) else "text")
    if shown.startswith("<r>") and shown.endswith("</r>"):
        # XlsxWriter takes such a text for its own markup and does not escape it; a text in two pieces it does.
        out.write_rich_string(row, column, shown[:1], draft.cell_format(None, "General"), shown[1:], form)
    else:
        out.write_string(row, column, shown, form)


@lru_cache(maxsize=65_536)
def _number(text: str) -> tuple[float | int | None, str]:
    """The number in a text and its number format; (None, '') if a spreadsheet would show it in another way."""
    if not EXACT.fullmatch(text) or len(text.strip("-").replace(".", "")) > 15 or text == "-0":
        return None, ""
    value = float(text) if "." in text else int(text)
    if repr(value) != text:
        return None, ""
    # 'General' shows about ten digits, and a spreadsheet saves to CSV what it shows.
    if len(text) <= 10:
        return value, ""
    decimals = len(text.partition(".")[2])
    return value, "0." + "0" * decimals if decimals else "0"


def _note_change(draft: WorkbookDraft, place: str, text: str, shown: str) -> None:
    if len(text) > MOST_IN_CELL // 2 and "… (cut; " in shown[-60:]:
        draft.too_long.append(place)
    elif shown != text.replace("\r\n", "\n"):
        draft.replaced += 1
