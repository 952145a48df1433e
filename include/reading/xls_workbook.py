"""Opens an old workbook (.xls), with the errors and the formulas without a result that its reader does not give."""

import struct
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from python_calamine import CalamineWorkbook


@dataclass
class Sheet:
    """A sheet as python_calamine's: its last row and column counted from nought, and its cells (None: too many).

    Attributes:
        errors, formulas: error cells, and formulas that were never computed, by (line, column counted from nought).
    """

    total_height: int
    total_width: int
    cells: list[list[Any]] | None
    errors: dict[tuple[int, int], str]
    formulas: set[tuple[int, int]]

    def to_python(self, skip_empty_area: bool = False) -> list[list[Any]] | None:
        """All rows from the first line."""
        return self.cells


@dataclass
class About:
    """What a sheet is: its name, kind ('...WorkSheet') and visibility ('....Visible')."""

    name: str
    typ: str
    visible: str


class Workbook:
    """Every sheet of an old workbook, read whole at once."""

    def __init__(self, content: bytes, most_cells: int) -> None:
        book = CalamineWorkbook.from_filelike(BytesIO(content))
        try:
            faults = _faults(content)
        except (struct.error, IndexError):  # a damaged list of sectors, which the reader above got over
            faults = {}
        self.sheets_metadata = [About(one.name, str(one.typ), str(one.visible)) for one in book.sheets_metadata]
        self.sheet_names = list(book.sheet_names)
        self._sheets = {}
        for number, name in enumerate(self.sheet_names):
            sheet = book.get_sheet_by_name(name)
            height, width = sheet.total_height, sheet.total_width
            fits = (height + 1) * (width + 1) <= most_cells
            cells = sheet.to_python(skip_empty_area=False) if fits else None
            self._sheets[name] = Sheet(height, width, cells, *faults.get(number, ({}, set())))

    def get_sheet_by_name(self, name: str) -> Sheet:
        """One sheet."""
        return self._sheets[name]


# What a cell of an old workbook shows for each code of an error.
ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}
SHEET, ERROR, FORMULA = (
    0x0085,
    0x0205,
    0x0006,
)  # records: name and place of a sheet; a cell with an error; one with a formula
Faults = tuple[dict[tuple[int, int], str], set[tuple[int, int]]]  # errors, and formulas never computed
FREE = 0xFFFFFFF0  # numbers of sectors from here on mean something else
COMPUTED_LATER = 3  # bits of a formula's options: compute it always, or when the workbook is opened


def _faults(content: bytes) -> dict[int, Faults]:
    """Errors and never computed formulas of every sheet, by the number of the sheet in the workbook's list."""
    stream = _stream(content)
    if ERROR.to_bytes(2, "little") + b"\x08\x00" not in stream and FORMULA.to_bytes(2, "little") not in stream:
        return {}
    starts: dict[int, int] = {}
    found: dict[int, Faults] = {}
    at, number = 0, None
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        number = starts.get(at, number)
        if kind == SHEET and length >= 8:
            starts[struct.unpack_from("<I", stream, at + 4)[0]] = len(starts)
        elif kind == ERROR and length == 8 and number is not None:
            row, column, _, code, is_error = struct.unpack_from("<HHHBB", stream, at + 4)
            if is_error:
                found.setdefault(number, ({}, set()))[0][row + 1, column] = ERRORS.get(code, "#ERROR")
        elif kind == FORMULA and length >= 16 and number is not None:
            row, column, _, result, options = struct.unpack_from("<HHH8sH", stream, at + 4)
            if result[6:] == b"\xff\xff" and result[0] == 2:
                found.setdefault(number, ({}, set()))[0][row + 1, column] = ERRORS.get(result[2], "#ERROR")
            elif result == bytes(8) and options & COMPUTED_LATER:
                found.setdefault(number, ({}, set()))[1].add((row + 1, column))
        at += 4 + length
    return found


def _stream(content: bytes) -> bytes:
    """The workbook inside a compound file: its sectors in the order of its chain."""
    size = 1 << struct.unpack_from("<H", content, 30)[0]

    def sector(number: int) -> bytes:
        return content[(number + 1) * size : (number + 2) * size]

    listed = list(struct.unpack_from("<109I", content, 76))
    more = struct.unpack_from("<I", content, 68)[0]
    for _ in range(len(content) // size):
        if more >= FREE:
            break
        *numbers, more = struct.unpack(f"<{size // 4}I", sector(more))
        listed += numbers
    table = b"".join(sector(number) for number in listed if number < FREE)
    following = struct.unpack(f"<{len(table) // 4}I", table)

    def chain(number: int) -> bytes:
        pieces: list[bytes] = []
        while number < FREE and len(pieces) <= len(following):
            pieces.append(sector(number))
            number = following[number]
        return b"".join(pieces)

    folder = chain(struct.unpack_from("<I", content, 48)[0])
    for at in range(0, len(folder), 128):
        length = struct.unpack_from("<H", folder, at + 64)[0]
        if folder[at : at + max(length - 2, 0)].decode("utf-16-le", "replace") in ("Workbook", "Book"):
            start, whole = struct.unpack_from("<II", folder, at + 116)
            return chain(start)[:whole]
    return b""
