"""A workbook while it is written: how its cells look, what its sheets are called, and cells that stay what was sent."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

import polars as pl
import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from ..reading.harmless import MOST_IN_CELL, in_cell, runs

MOST_ROWS = 1_048_576  # of a sheet, in Excel

# How failing cells look: by fill, and for whoever does not see it by border and lettering. The worst finding of a cell tells.
LOOKS = {
    "must": {"bg_color": "#F6CCC8", "border": 5, "bold": True},
    "look": {"bg_color": "#FFF0C2", "border": 3, "italic": True},
    "none": {"bg_color": "#E4E7EB", "border": 4},
}
EXACT = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{0,14}[1-9])?", re.ASCII)


@dataclass
class Draft:
    """A workbook while it is written."""

    book: xlsxwriter.Workbook
    findings: pl.DataFrame
    looks: list[str]  # of each finding
    said: list[str]  # what must be told on the list of findings
    names: set[str] = field(default_factory=set)
    formats: dict = field(default_factory=dict)
    places: dict[int, tuple[str, int, int]] = field(default_factory=dict)  # finding -> sheet, row, column
    notes: int = 0
    unnoted: int = 0
    replaced: int = 0
    too_long: list[str] = field(default_factory=list)

    def form(self, look: str | None, style: str):
        """The format of a cell that looks so and holds a value of that style; made once."""
        key = look, style
        if key not in self.formats and (look or style):
            properties = dict(LOOKS[look]) if look else {}
            if style in ("text", "risky"):
                properties["num_format"] = "@"  # so that what is typed there stays as it is typed
            elif style:
                properties["num_format"] = style
            if style == "risky":
                properties["quote_prefix"] = True  # or it would turn into a formula when somebody edits the cell
            self.formats[key] = self.book.add_format(properties)
        return self.formats.get(key)

    def called(self, name: str) -> str:
        """A name that a sheet can have: the one that is asked for, if nothing is in the way."""
        plain = re.sub(r"[\[\]:*?/\\\t\n]", "-", in_cell(name))
        plain = plain.encode("utf-16-le")[:62].decode("utf-16-le", "ignore").strip("' \t\n") or "sheet"
        made, number = plain, 1
        while made.casefold() in self.names or made.casefold() == "history":
            number += 1
            made = f"{plain[: 28 - len(str(number))].rstrip()} ({number})"
        self.names.add(made.casefold())
        return made


def write_cell(
    draft: Draft, out, row: int, column: int, text: str, as_text: bool, look: str | None, sheet: str
) -> None:
    """Writes a cell as it was sent: as a number if that is written so again, else as a text that nothing is made of."""
    if not as_text and len(text) <= 32:
        value, style = _number(text)
        if value is not None:
            out.write_number(row, column, value, draft.form(look, style))
            return
    shown = in_cell(text)
    if shown != text:
        _tell_altered(draft, f"{sheet}!{xl_rowcol_to_cell(row, column)}", text, shown)
    _write_text(draft, out, row, column, shown, look)


def _write_text(draft: Draft, out, row: int, column: int, text: str, look: str | None) -> None:
    form = draft.form(look, "risky" if runs(text) else "text")
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter takes such a text for markup that it made itself and writes it unescaped; in two pieces it does not.
        out.write_rich_string(row, column, text[:1], draft.form(None, "General"), text[1:], form)
        return
    out.write_string(row, column, text, form)


@lru_cache(maxsize=65_536)
def _number(text: str) -> tuple[float | int | None, str]:
    """A text as a number and its format, if the number is written as exactly that text again."""
    if not EXACT.fullmatch(text) or len(text.strip("-").replace(".", "")) > 15 or text == "-0":
        return None, ""
    value = float(text) if "." in text else int(text)
    if repr(value) != text:
        return None, ""
    # 'General' shows ten digits or so, and what is shown is what a spreadsheet saves as CSV.
    if len(text) <= 10:
        return value, ""
    decimals = len(text.partition(".")[2])
    return value, "0." + "0" * decimals if decimals else "0"


def _tell_altered(draft: Draft, place: str, text: str, shown: str) -> None:
    if len(text) > MOST_IN_CELL // 2 and "… (cut; " in shown[-60:]:
        draft.too_long.append(place)
    elif shown != text.replace("\r\n", "\n"):
        draft.replaced += 1
