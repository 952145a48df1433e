"""Every cell of a file as it was sent, sheet by sheet, and where the columns stand that findings speak of."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field

from .. import schemas
from ..reading import formats
from ..reading.csv_tables import DELIMITERS
from ..reading.raw_table import MAX_CELLS, MAX_COLUMNS, Unreadable
from ..reading.reading import Reading, Table

CSV_SHEET = "return"  # as in the blank template


@dataclass
class Sheet:
    """One sheet as sent.

    Attributes:
        sent_as: its name in findings; None for the table of a CSV file.
        rows: (line, cells) in the order of the file; to be gone through once.
        height: how many rows there are.
        most_columns: cells of a row that are shown; what stands further right is cut off.
        header_line: the line of the heading row, where the template is known.
        columns: heading -> where it stands, counted from nought; several where headings repeat.
        texts: columns that hold texts, not numbers.
    """

    name: str
    sent_as: str | None
    rows: Iterator[tuple[int, list[str]]]
    height: int
    most_columns: int = MAX_COLUMNS
    header_line: int | None = None
    columns: dict[str, list[int]] = field(default_factory=dict)
    texts: frozenset[int] = frozenset()


def of(content: bytes, file_name: str, reading: Reading) -> tuple[list[Sheet], list[str]]:
    """The sheets of a file, and what must be said about them.

    Args:
        reading: what the pipeline made of the file.

    Raises:
        Unreadable: the file cannot be opened.
    """
    source = formats.opened(content, file_name)
    return _of_csv(source, reading) if source.kind == "csv" else _of_book(source.book, reading)


def _of_csv(source: formats.Source, reading: Reading) -> tuple[list[Sheet], list[str]]:
    text, said = _decoded(source)
    delimiter = reading.delimiter if reading.layout else _delimiter(text, reading)
    text = text.rstrip(delimiter + " \t\r\n")  # spreadsheets save a million blank rows below a table
    height, width, spans = _shape(text, delimiter)
    whole = height is not None and (bool(reading.tables) or not spans)
    if not whole:
        height, width = text.count("\n") + text.count("\r") + 1, MAX_COLUMNS
        said.append("Quotation marks are not in pairs, so each line of your file is shown as one row, marks and all.")
    usual = len(formats.csv_head(text, delimiter)[0][1]) if whole and text else 1
    if max(height * usual, 0 if whole else height + text.count(delimiter)) > MAX_CELLS:
        raise Unreadable("FIL-SIZE", f"It has {height:,} rows, and at most {MAX_CELLS:,} cells are shown.")
    room = max(usual, min(MAX_COLUMNS, MAX_CELLS // max(height, 1)))
    if whole and width > room:
        said.append(f"Rows of your file have up to {width:,} cells; the first {room:,} of each row are shown.")
    rows = _csv_rows(text, delimiter) if whole else _raw_lines(text, delimiter)
    sheet = Sheet(CSV_SHEET, None, rows, height, room)
    if reading.tables:
        _name_columns(sheet, reading, reading.tables[0])
    return [sheet], said


def _of_book(book, reading: Reading) -> tuple[list[Sheet], list[str]]:
    sheets, said = [], []
    for name in book.names:
        try:
            rows = book.rows(name)
        except Unreadable as error:
            rows = []
            said.append(f"Sheet '{name}' is not shown: {error.message}")
        sheet = Sheet(name, name, enumerate(rows, 1), len(rows))
        table = next((table for table in reading.tables if table.sheet == name), None)
        if table:
            _name_columns(sheet, reading, table)
        sheets.append(sheet)
    return sheets, said


def _decoded(source: formats.Source) -> tuple[str, list[str]]:
    try:
        return source.decoded[0], []
    except Unreadable:  # shown all the same: every byte is a letter there
        return source.content.decode("latin-1"), [
            "Your file is not UTF-8. It is shown as Windows text: look at letters such as £ and é."
        ]


def _delimiter(text: str, reading: Reading) -> str:
    """The delimiter of a text that fits no template: the one that its closest template has, or that its first line has most of."""
    first = text.lstrip()[:10_000].split("\n", 1)[0]
    return max([reading.delimiter, *DELIMITERS], key=first.count)


def _shape(text: str, delimiter: str) -> tuple[int | None, int, bool]:
    """How many rows, the widest one, and whether a row spans lines; no rows (None) when quotation marks are not in pairs."""
    reader, height, width = csv.reader(_lines(text), delimiter=delimiter, strict=True), 0, 0
    try:
        for cells in reader:
            height, width = height + 1, max(width, len(cells))
    except csv.Error:
        return None, 0, True
    return height, width, reader.line_num > height


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
