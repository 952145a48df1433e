"""The sheets of a workbook as text, made only after their size is known to be bearable."""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any, TypeVar
from xml.etree import ElementTree

from python_calamine import CalamineWorkbook

from . import xls_workbook
from .raw_table import MAX_CELLS, MAX_COLUMNS, MAX_SHEETS, Grid, Unreadable, text_frame
from .workbook_faults import COMPUTED_LATER, NOT_COMPUTED, Faults, column_letters, column_number, faults_of

KNOWN_ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA"}  # to the reader

# Cells of a sheet's XML that hold something: with an address, and without one. What repeats has an end, or a hostile sheet
# could keep us busy for days; a cell with more attributes than any program writes is refused before.
FILLED_CELL = re.compile(
    rb"""<(?:\w+:)?c\s[^>]{0,500}?\br=["']([A-Za-z]{1,3})(\d{1,7})["'][^>]{0,500}(?<!/)>\s*<(?!/)"""
)
UNPLACED_CELL = re.compile(rb"""<(?:\w+:)?c(?:\s(?![^>]{0,500}\br=)[^>]{0,500})?(?<!/)>\s*<(?!/)""")
LONG_CELL = re.compile(rb"<(?:\w+:)?c\s[^>]{500}")


Made = TypeVar("Made")


class Book:
    """The sheets of a workbook as text.

    Attributes:
        names: all sheets with cells; visible and hidden: those that a reader of the workbook sees, and the others.
    """

    def __init__(self, content: bytes, file_name: str) -> None:
        self._file_name, self._content = file_name, content
        self._book = self._guard(lambda: _workbook(content))
        sheets = self._guard(lambda: self._book.sheets_metadata)
        cells = [one for one in sheets if str(one.typ).endswith("WorkSheet")]
        self.names = [one.name for one in cells]
        if len(sheets) > MAX_SHEETS:
            raise Unreadable(
                "FIL-SIZE",
                f"{file_name} has {len(sheets):,} sheets; at most {MAX_SHEETS} are read. Remove those that are not asked for, or send CSV.",
            )
        self.visible = [one.name for one in cells if str(one.visible).endswith(".Visible")]
        self.hidden = [name for name in self.names if name not in self.visible]
        self._rows: dict[str, list[list[str]]] = {}
        self._faults: dict[str, Faults] = {}

    def rows(self, sheet: str) -> list[list[str]]:
        """All rows of a sheet from line 1, each cell as text (numbers as short as they can be, dates as ISO, errors as shown)."""
        if sheet not in self._rows:
            # calamine makes room for all cells between the first and the last one, and aborts the process if there is none.
            faults = Faults()
            if self._content[:2] == b"PK":
                if not self._guard(lambda: _plainly_fits(self._content, sheet)):
                    self._check_size(sheet, *self._guard(lambda: _extent(self._content, sheet)))
                faults = self._guard(lambda: _faults(self._content, sheet))
            self._check_errors(sheet, faults)
            data = self._guard(lambda: self._book.get_sheet_by_name(sheet))
            self._check_size(sheet, data.total_height + 1, data.total_width + 1)  # it counts from nought
            cells = self._guard(lambda: data.to_python(skip_empty_area=False))
            if self._content[:2] != b"PK":
                faults = Faults(data.errors, data.formulas)
            rows = [[cell if type(cell) is str else _text(cell) for cell in row] for row in cells]
            if faults.errors or faults.formulas:
                self._show(sheet, rows, faults)
            self._rows[sheet], self._faults[sheet] = rows, faults
        return self._rows[sheet]

    def faults(self, sheet: str) -> Faults:
        """Errors, formulas that were never computed, and merged cells."""
        self.rows(sheet)
        return self._faults[sheet]

    def _check_errors(self, sheet: str, faults: Faults) -> None:
        """The reader gives up at errors that came with Excel after 2016, so they are told before it does."""
        place = next((place for place, text in faults.errors.items() if text not in KNOWN_ERRORS), None)
        if place:
            line, column = place
            raise Unreadable(
                "FIL-DAMAGED",
                f"Cell {column_letters(column + 1)}{line} of sheet '{sheet}' shows the error {faults.errors[place][:40]}, so it has no value. "
                "Correct its formula or clear the cell, save the workbook and send it again.",
                sheet=sheet,
                line=line,
                raw_value=faults.errors[place],
            )

    def _show(self, sheet: str, rows: list[list[str]], faults: Faults) -> None:
        """Puts errors and formulas where the reader has blanks, and rows of them where it has none."""
        places = [*faults.errors, *faults.formulas]
        height = max(len(rows), max(line for line, _ in places))
        width = max(max(map(len, rows), default=0), max(column for _, column in places) + 1)
        self._check_size(sheet, height, width)
        rows.extend([] for _ in range(height - len(rows)))
        for (line, column), text in [*dict.fromkeys(faults.formulas, NOT_COMPUTED).items(), *faults.errors.items()]:
            row = rows[line - 1]
            row.extend([""] * (column + 1 - len(row)))
            row[column] = row[column] or text

    def _check_size(self, sheet: str, height: int, width: int) -> None:
        if height * width > MAX_CELLS or width > MAX_COLUMNS:
            raise Unreadable(
                "FIL-SIZE",
                f"Sheet '{sheet}' has {height:,} rows by {width:,} columns; at most {MAX_CELLS:,} cells are read. "
                "Delete the empty rows and columns beyond the table, or send CSV.",
                sheet=sheet,
            )

    def _guard(self, work: Callable[[], Made]) -> Made:
        # calamine panics on some damaged files; a panic is no Exception, so everything is caught and told as damage.
        try:
            return work()
        except (KeyboardInterrupt, SystemExit, MemoryError, Unreadable):
            raise
        except BaseException as error:
            raise Unreadable(
                "FIL-DAMAGED",
                f"{self._file_name} cannot be opened as a workbook ({str(error)[:120]}). Save it again in Excel and send it.",
            ) from None


def _workbook(content: bytes) -> Any:
    # The extent of an .xlsx sheet is looked at before it is opened; an .xls is unfolded as soon as it is.
    return (
        CalamineWorkbook.from_filelike(io.BytesIO(content))
        if content[:2] == b"PK"
        else xls_workbook.Workbook(content, MAX_CELLS)
    )


def _extent(content: bytes, sheet: str) -> tuple[int, int]:
    """The last row and the last column of an .xlsx sheet that hold a value, seen without making a grid of it."""
    height = width = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in _parts(archive, sheet):
            part = _sheet_xml(archive, name)
            if LONG_CELL.search(part):
                raise Unreadable(
                    "FIL-DAMAGED",
                    f"Sheet '{sheet}' holds a cell that no spreadsheet writes. Open it in a spreadsheet, save it and send it again.",
                    sheet=sheet,
                )
            cells = part.count(b"<c ") + part.count(b"<c>")
            for found in FILLED_CELL.finditer(part):
                height, width, cells = max(height, int(found[2])), max(width, column_number(found[1])), cells - 1
            if cells > 0:  # empty, or without an address: then a cell stands beside the one before it
                for row in part.split(b"<row")[1:]:
                    width = max(width, len(UNPLACED_CELL.findall(row)))
                height = max(height, part.count(b"<row")) if UNPLACED_CELL.search(part) else height
    return height, width


def _plainly_fits(content: bytes, sheet: str) -> bool:
    """Whether a sheet, written as Excel does, has few enough cells by the names of its rows and columns; quicker than `_extent`."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for part in (_sheet_xml(archive, name) for name in _parts(archive, sheet)):
            rows = max(map(int, re.findall(rb'<row r="(\d{1,7})"', part)), default=0)
            letters = set(re.findall(rb'r="([A-Za-z]{2,3})\d', part))
            letters |= {next((c for c in (bytes([n]) for n in range(90, 64, -1)) if b'r="' + c in part), b"A")}
            columns = max(map(column_number, letters))
            if re.search(rb'r="[a-z]', part):  # not as Excel writes them
                return False
            addressed = part.count(b"<c ") + part.count(b"<c>") == part.count(b'<c r="') and b":row" not in part
            # Addresses that disagree with their rows can be ten times as far out at most.
            agree = not re.search(rb'r="[A-Za-z]{1,3}\d{%d}' % (len(str(rows)) + 1), part)
            if not (addressed and agree and rows * columns <= MAX_CELLS and columns <= MAX_COLUMNS):
                return False
    return True


def _faults(content: bytes, sheet: str) -> Faults:
    """The errors and the formulas without a result of an .xlsx sheet."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = _parts(archive, sheet)
        if len(parts) != 1:
            return Faults()
        part = _sheet_xml(archive, parts[0])
        later = b"<f" in part and COMPUTED_LATER.search(archive.read("xl/workbook.xml")) is not None
        return faults_of(part, later)


def _sheet_xml(archive: zipfile.ZipFile, name: str) -> bytes:
    """The XML of a sheet, with every tag closed: searching one whose tags are not takes time without end."""
    part = archive.read(name)
    if part.count(b"<") > part.count(b">"):
        raise Unreadable(
            "FIL-DAMAGED",
            "A sheet of the workbook is damaged: its tags are not closed. Save it again in Excel and send it.",
        )
    return part


def _parts(archive: zipfile.ZipFile, sheet: str) -> list[str]:
    """The part of a workbook that holds a sheet; all that hold a sheet where that is not clear."""
    try:
        book, links = (
            ElementTree.fromstring(archive.read(f"xl/{n}")) for n in ("workbook.xml", "_rels/workbook.xml.rels")
        )
        link = next(e for e in book.iter() if e.tag.endswith("}sheet") and e.get("name") == sheet)
        number = next(value for key, value in link.items() if key.endswith("}id"))
        target = next(e.get("Target") or "" for e in links if e.get("Id") == number)
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        return [archive.getinfo(path).filename]
    except (StopIteration, KeyError, ElementTree.ParseError):
        return [name for name in archive.namelist() if b"sheetData" in archive.read(name)]


def book_grid(rows: list[list[str]], header_end: int, width: int) -> Grid:
    """The rows of a sheet below its header; cells to the right of the header are kept apart as ragged."""
    lines, kept, ragged = [], [], []
    for line, cells in enumerate(rows[header_end:], header_end + 1):
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            ragged.append((line, cells))
        else:
            lines.append(line)
            kept.append(cells if len(cells) == width else cells[:width] + [""] * (width - len(cells)))
    return Grid(text_frame(lines, kept, width), ragged)


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(sep=" ")
    return str(cell)
