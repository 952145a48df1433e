"""The cells of a file as sent, sheet by sheet, and the positions of the columns that findings name."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .. import schemas
from ..reading import formats, safely
from ..reading.csv_tables import DELIMITERS
from ..reading.raw_table import MAX_CELLS, MAX_COLUMNS, Unreadable
from ..reading.reading import Reading, Table
from ..reading.workbook import Book
from ..stores import child_process
from ..stores.child_process import Ended

CSV_SHEET = "return"  # as in the blank template


@dataclass
class Sheet:
    """One sheet as sent.

    Attributes:
        sent_as: its name in findings; None for the table of a CSV file.
        rows: (line, cells) in file order; can be read once.
        height: number of rows.
        most_columns: number of cells of a row that are shown; the rest are cut off.
        header_line: the line of the heading row, where the template is known.
        columns: heading -> its positions from 0; several where headings repeat.
        texts: positions of the columns that hold text, not numbers.
    """

    name: str
    sent_as: str | None
    rows: Iterable[tuple[int, list[str]]]
    height: int
    most_columns: int = MAX_COLUMNS
    header_line: int | None = None
    columns: dict[str, list[int]] = field(default_factory=dict)
    texts: frozenset[int] = frozenset()


def of(content: bytes, file_name: str, reading: Reading) -> tuple[list[Sheet], list[str]]:
    """The sheets of a file, and notices for whoever reads them.

    Args:
        content: the file as sent.
        file_name: its name.
        reading: the pipeline's reading of it.

    Raises:
        Unreadable: the file cannot be opened.
    """
    # What the file is about is needed there, not its rows.
    reading = replace(reading, tables=[replace(one, frame=one.frame.clear()) for one in reading.tables], findings=[])
    try:
        sheets, notices = child_process.run(_of, content, file_name, reading)
    except Ended as ended:
        raise safely.why(ended, file_name) from None
    return [replace(one, rows=iter(one.rows)) for one in sheets], notices


def _of(content: bytes, file_name: str, reading: Reading) -> tuple[list[Sheet], list[str]]:
    """Runs in the child process: the sheets, each with a list of its rows."""
    sheets, notices = _opened(content, file_name, reading)
    return [replace(one, rows=list(one.rows)) for one in sheets], notices


def _opened(content: bytes, file_name: str, reading: Reading) -> tuple[list[Sheet], list[str]]:
    source = formats.opened(content, file_name)
    return _of_book(source.book, reading) if source.book else _of_csv(source, reading)


def _of_csv(source: formats.Source, reading: Reading) -> tuple[list[Sheet], list[str]]:
    text, notices = _decoded(source)
    delimiter = reading.delimiter if reading.layout else _delimiter(text, reading)
    text = text.rstrip(delimiter + " \t\r\n")  # spreadsheets save a million blank rows below a table
    shape = _shape(text, delimiter)
    if shape and (reading.tables or not shape.has_long_rows):
        height, width, _ = shape
        rows = _csv_rows(text, delimiter)
        usual = len(formats.csv_head(text, delimiter)[0][1]) if text else 1
        most_cells = height * usual
    else:
        height, width = text.count("\n") + text.count("\r") + 1, 0
        rows = _raw_lines(text, delimiter)
        usual, most_cells = 1, height + text.count(delimiter)
        notices.append("Some quotation marks are not closed, so each line of your file is shown as one row.")
    if most_cells > MAX_CELLS:
        raise Unreadable("FIL-SIZE", f"It has {height:,} rows, and at most {MAX_CELLS:,} cells are shown.")
    room = max(usual, min(MAX_COLUMNS, MAX_CELLS // max(height, 1)))
    if width > room:
        notices.append(f"Some rows of your file have {width:,} cells; only the first {room:,} of each row are shown.")
    sheet = Sheet(CSV_SHEET, None, rows, height, room)
    if reading.tables:
        _name_columns(sheet, reading, reading.tables[0])
    return [sheet], notices


def _of_book(book: Book, reading: Reading) -> tuple[list[Sheet], list[str]]:
    sheets, notices = [], []
    for name in book.names:
        try:
            rows = book.rows(name)
        except Unreadable as error:
            rows = []
            notices.append(f"Sheet '{name}' is not shown: {error.message}")
        sheet = Sheet(name, name, enumerate(rows, 1), len(rows))
        table = next((table for table in reading.tables if table.sheet == name), None)
        if table:
            _name_columns(sheet, reading, table)
        sheets.append(sheet)
    return sheets, notices


def _decoded(source: formats.Source) -> tuple[str, list[str]]:
    try:
        return source.decoded[0], []
    except Unreadable:  # shown all the same: in Latin-1 every byte is a character
        return source.content.decode("latin-1"), [
            "Your file is not UTF-8. It is shown as Windows text: check characters such as £ and é."
        ]


def _delimiter(text: str, reading: Reading) -> str:
    """The delimiter of a text that fits no template: that of the closest template, or the most frequent one in the first line."""
    first = text.lstrip()[:10_000].split("\n", 1)[0]
    return max([reading.delimiter, *DELIMITERS], key=first.count)


class _Shape(NamedTuple):
    height: int
    width: int
    has_long_rows: bool  # rows of more than one line


def _shape(text: str, delimiter: str) -> _Shape | None:
    """The number of rows and the cells of the widest; None where quotation marks are not closed."""
    reader, height, width = csv.reader(_lines(text), delimiter=delimiter, strict=True), 0, 0
    try:
        for cells in reader:
            height, width = height + 1, max(width, len(cells))
    except csv.Error:
        return None
    return _Shape(height, width, reader.line_num > height)


def _csv_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader, line = csv.reader(_lines(text), delimiter=delimiter, strict=True), 1
    for cells in reader:
        yield line, cells
        line = reader.line_num + 1


def _raw_lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for line, raw in enumerate(_lines(text), 1):
        yield line, raw.rstrip("\r\n").split(delimiter)


def _lines(text: str) -> Iterator[str]:
    """The lines of a text with their ends; a StringIO would give the same and take four bytes a character."""
    start = 0
    for end in formats.LINE_END.finditer(text):
        yield text[start : end.end()]
        start = end.end()
    if start < len(text):
        yield text[start:]


def _name_columns(sheet: Sheet, reading: Reading, table: Table) -> None:
    sheet.header_line = table.place.header_line
    for at, heading in enumerate(table.place.headings):
        sheet.columns.setdefault(heading.strip(), []).append(at)
    fields = schemas.load(reading.collection).fields
    sheet.texts = frozenset(
        at
        for name, at in table.place.positions.items()
        if name in fields and fields[name].kind not in ("whole", "number")
    )
