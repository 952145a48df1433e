"""Cells of an .xlsx sheet that its reader shows as blank or 0: errors, formulas that no program has computed yet, and merged cells.

Only sheets whose XML speaks of an error, a formula or merged cells are looked into.
"""

import re
from dataclasses import dataclass, field
from html import unescape

from .raw_table import Unreadable

ERROR_CELL = re.compile(rb"""<(?:\w{1,20}:)?c\s([^<>]{0,500}?\bt=["']e["'][^<>]{0,500})(?<!/)>""")
FORMULA_CELL = re.compile(rb"<(?:\w{1,20}:)?c(\s[^<>]{0,500})?(?<!/)>\s*(<(?:\w{1,20}:)?f)(?=[\s/>])")
VALUE = re.compile(rb"<(?:\w{1,20}:)?v(?:\s[^<>]*)?(?<!/)>([^<]*)<")
CELL_END = re.compile(
    rb"</?(?:\w{1,20}:)?c(?=[\s>])"
)  # or the next one's begin, where a damaged sheet does not close them
ADDRESS = re.compile(rb"""\br=["']([A-Za-z]{1,3})(\d{1,7})["']""")
NO_VALUE = re.compile(rb"<(?:\w{1,20}:)?v\s*/>")
IS_TEXT = re.compile(rb"""\bt=["']str["']""")
COMPUTED_LATER = re.compile(rb"""\bfullCalcOnLoad=["'](?:1|true)["']""")
MERGED = re.compile(
    rb"""<(?:\w{1,20}:)?mergeCell\s[^<>]{0,200}?\bref=["']([A-Za-z]{1,3})(\d{1,7}):([A-Za-z]{1,3})(\d{1,7})["']"""
)
NOT_COMPUTED = "#NOT COMPUTED!"  # what such a formula is shown as; its own text is not taken over


@dataclass
class Faults:
    """Cells by (line, column), the line counted from one and the column from nought.

    Attributes:
        errors: their text, such as #N/A.
        formulas: formulas that were never computed.
        merged: ranges of merged cells: first line and column, last line and column.
    """

    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    formulas: set[tuple[int, int]] = field(default_factory=set)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def faults_of(part: bytes, computed_later: bool) -> Faults:
    """The faults in the XML of a sheet.

    Args:
        computed_later: the program that wrote the workbook left all computing to whoever opens it (see `COMPUTED_LATER`);
            XlsxWriter then writes 0 in the place of every result.

    Raises:
        Unreadable: there are some, but not where they stand.
    """
    found = Faults()
    if b"mergeCell " in part:
        for cell in MERGED.finditer(part):
            first, last = column_number(cell[1]) - 1, column_number(cell[3]) - 1
            found.merged.append((int(cell[2]), first, int(cell[4]), last))
    if b't="e"' in part or b"t='e'" in part:
        for cell in ERROR_CELL.finditer(part):
            value = VALUE.search(part, cell.end(), _end(part, cell.end()))
            found.errors[_place(cell[1])] = unescape(value[1].decode(errors="replace")).strip() if value else "#ERROR"
    if b"<f" in part or b":f" in part:
        zeros = set()
        for cell in FORMULA_CELL.finditer(part):
            attributes, end = cell[1] or b"", _end(part, cell.end())
            value = VALUE.search(part, cell.end(), end)
            result = value[1].strip() if value else b""
            is_blank_text = IS_TEXT.search(attributes) and (value or NO_VALUE.search(part, cell.end(), end))
            if not result and not is_blank_text:
                found.formulas.add(_place(attributes))
            elif computed_later and result in (b"0", b""):
                zeros.add(_place(attributes))
            else:
                computed_later = False  # something has been computed, so a 0 is one
        if computed_later:
            found.formulas |= zeros
    return found


def _end(part: bytes, start: int) -> int:
    end = CELL_END.search(part, start)
    return end.start() if end else len(part)


def _place(attributes: bytes) -> tuple[int, int]:
    address = ADDRESS.search(attributes)
    if not address:
        raise Unreadable(
            "FIL-DAMAGED",
            "The workbook holds errors or formulas in cells that do not say where they stand. Open it in a spreadsheet, save it and send it again.",
        )
    return int(address[2]), column_number(address[1]) - 1


def column_number(letters: bytes) -> int:
    """The number of a column by its letters, counted from one."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def column_letters(number: int) -> str:
    """The letters of a column by its number, counted from one."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
