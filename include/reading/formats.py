"""Bytes to a grid of text: what kind of file it is, and every cell of a table as text with the line it stands on.

Limits keep a hostile or damaged file from taking the machine down; they are checked before anything is unpacked.
"""

import csv
import io
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from functools import cache, cached_property

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv

from .encoding import decoded, is_wide
from .raw_table import (
    HEAD_ROWS,
    KINDS,
    MAX_BYTES,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_WORKBOOK_BYTES,
    Grid,
    Unreadable,
    text_frame,
)
from .workbook import Book

NOTHING = b"\x00\r\n\t ,;\xef\xbb\xbf\xff\xfe"  # bytes of which alone an empty file may consist
ENDINGS = {"csv": "csv", "txt": "csv", "xlsx": "xlsx", "xlsm": "xlsx", "xls": "xls"}

CONTROLS = bytes([*range(0, 9), *range(14, 32)])  # bytes that text does not hold
LINE_END = re.compile(r"\r\n|\r|\n")  # what the csv module takes for one

PAGE = re.compile(rb"(?:\xef\xbb\xbf)*\s{0,1000}<(?:!doctype|html|head|body|\?xml|table|script|meta)\b", re.IGNORECASE)
MAX_MEMBERS = 10_000  # of a gzip file; each costs a little, and 20 bytes make one
GZIP_CHUNK = 1 << 16

csv.field_size_limit(16 * 1024 * 1024)


@dataclass
class Source:
    """An opened file: its kind ('csv', 'xlsx' or 'xls'), and its bytes (csv) or its sheets (workbooks).

    Attributes:
        notes: what was found out about the file against its name, as parts of a sentence.
    """

    kind: str
    content: bytes = b""
    book: "Book | None" = None
    notes: list[str] = field(default_factory=list)

    @cached_property
    def decoded(self) -> tuple[str, str]:
        """The text of a CSV file and its encoding, found out once however many collections ask.

        Raises:
            Unreadable: see `encoding.decoded`.
        """
        return decoded(self.content)


def opened(content: bytes, file_name: str) -> Source:
    """What a file holds, looked into once however many collections look at it.

    Raises:
        Unreadable: see `identify`, or a workbook that cannot be opened.
    """
    kind, content, notes = identify(content, file_name)
    return (
        Source(kind, content, notes=notes)
        if kind == "csv"
        else Source(kind, book=Book(content, file_name), notes=notes)
    )


def identify(content: bytes, file_name: str) -> tuple[str, bytes, list[str]]:
    """What the file is ('csv', 'xlsx' or 'xls'), its bytes without gzip, and what of that its name does not say.

    Raises:
        Unreadable: empty, too large, damaged, protected, or of an unknown kind.
    """
    name, notes = file_name.lower(), []
    if content[:2] == b"\x1f\x8b":
        content, members = _gunzip(content)
        name = name.removesuffix(".gz")
        if members > 1:
            notes.append(f"its {members} gzip parts are read one after the other")
    elif name.endswith(".gz"):
        name = name.removesuffix(".gz")
        notes.append("it is named as a gzip file but is not packed")
    if not content[:4096].strip(NOTHING) and not content.strip(NOTHING):  # a large file is not copied to find out
        raise Unreadable("FIL-EMPTY", f"{file_name} is empty ({len(content)} bytes and no data). Send the file again.")
    kind = _kind(content, file_name)
    named = ENDINGS.get(name.rsplit(".", 1)[-1]) if "." in name else None
    if named and named != kind:
        notes.append(f"it is named as {KINDS[named]} but is {KINDS[kind]}")
    return kind, content, notes


def _gunzip(content: bytes) -> tuple[bytes, int]:
    """The data of all members of a gzip file, and how many there are; zero bytes after the last one are padding."""
    data, members, at, view = [], 0, 0, memoryview(content)
    room = MAX_BYTES + 1
    while at < len(content) and room > 0:
        if content[at : at + 2] != b"\x1f\x8b":
            if content[at:].strip(b"\x00"):
                raise Unreadable(
                    "FIL-DAMAGED",
                    f"The gzip file is damaged: {len(content) - at:,} bytes after the end of its data are no gzip. Send it again.",
                )
            break
        unpacker, members = zlib.decompressobj(wbits=31), members + 1
        if members > MAX_MEMBERS:
            raise Unreadable(
                "FIL-SIZE",
                f"The gzip file has more than {MAX_MEMBERS:,} parts. Pack the file as one and send it again.",
            )
        try:
            while at < len(content) and not unpacker.eof and room > 0:
                piece = unpacker.decompress(view[at : at + GZIP_CHUNK], room)
                data.append(piece)
                room -= len(piece)
                at += min(GZIP_CHUNK, len(content) - at) - len(unpacker.unused_data) - len(unpacker.unconsumed_tail)
        except zlib.error as error:
            raise Unreadable("FIL-DAMAGED", f"The gzip file is damaged ({error}). Send it again.") from None
        if room > 0 and not unpacker.eof:
            raise Unreadable("FIL-DAMAGED", "The gzip file ends too early: it was cut off on its way. Send it again.")
    if room <= 0:
        raise Unreadable(
            "FIL-SIZE", f"The file unpacks to more than {MAX_BYTES >> 20} MB. Split it and send the parts."
        )
    return b"".join(data), members


def _kind(content: bytes, file_name: str) -> str:
    if len(content) > MAX_BYTES:
        raise Unreadable("FIL-SIZE", f"{file_name} is larger than {MAX_BYTES >> 20} MB. Split it and send the parts.")
    if content[:4] == b"PK\x03\x04":
        return _zip_kind(content, file_name)
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise Unreadable("FIL-KIND", f"{file_name} is protected by a password. Send it without one.")
        return "xls"
    if content[:5] == b"%PDF-":
        raise Unreadable(
            "FIL-KIND", f"{file_name} is a PDF. Expected a CSV file or an Excel workbook: send the data file itself."
        )
    sample = content[: 1 << 20]
    if wide := is_wide(content):
        sample = sample[: len(sample) // 2 * 2].decode(wide, "replace").encode()
    if PAGE.match(sample):
        raise Unreadable(
            "FIL-KIND",
            f"{file_name} is a web page or other mark-up, not a table: perhaps an error message was saved in place of the file. "
            "Expected a CSV file or an Excel workbook: download or save it again.",
        )
    strange = len(sample) - len(sample.translate(None, CONTROLS))
    if strange > max(2, len(sample) // 1000):
        raise Unreadable(
            "FIL-KIND",
            f"{file_name} is not text and not a workbook that is known here. Expected a CSV file or an Excel workbook.",
        )
    return "csv"


def _zip_kind(content: bytes, file_name: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            unpacked = sum(info.file_size for info in archive.infolist())
            packed_fits = all(info.file_size <= 2000 * max(info.compress_size, 1) for info in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unreadable(
            "FIL-DAMAGED",
            f"{file_name} starts as an Excel workbook but is damaged or cut off ({error}). Send it again.",
        ) from None
    if not any(name.startswith("xl/workbook") for name in names):
        raise Unreadable(
            "FIL-KIND", f"{file_name} is a zip archive, not a workbook. Send the CSV file or the workbook itself."
        )
    if unpacked > MAX_WORKBOOK_BYTES or not packed_fits:
        raise Unreadable(
            "FIL-SIZE",
            f"{file_name} unpacks to {unpacked >> 20} MB; at most {MAX_WORKBOOK_BYTES >> 20} MB are read. "
            "Remove empty rows, formatting and sheets that are not asked for, or send CSV.",
        )
    return "xlsx"


def csv_head(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The first rows of a CSV text, each (line, cells)."""
    rows, reader, line = [], csv.reader(io.StringIO(text[:1_000_000], newline=""), delimiter=delimiter), 1
    try:
        for cells in reader:
            if len(cells) > MAX_COLUMNS:
                raise Unreadable(
                    "FIL-SIZE",
                    f"Line {line} has {len(cells):,} columns; at most {MAX_COLUMNS:,} are read. Send the table that is asked for.",
                    line=line,
                )
            rows.append((line, cells))
            line = reader.line_num + 1
            if len(rows) >= HEAD_ROWS:
                break
    except csv.Error:
        pass  # what comes after is reported by csv_grid
    return rows


def csv_grid(text: str, delimiter: str, header_end: int, width: int) -> Grid:
    """The rows below a header that ends on physical line `header_end`, `width` cells each.

    A regular file (one line a row, the right number of cells) goes through pyarrow; any other one through
    Python's csv module, which tells the exact line of every row and keeps rows of another width apart.
    """
    start = 0
    for _ in range(header_end):
        found = LINE_END.search(text, start)
        start = found.end() if found else len(text)
    # Spreadsheets save a million blank rows below a table; they are cut off before anything is made of them.
    end = LINE_END.search(text, max(start, _end_of_words(text, delimiter + " \t\r\n")))
    body = text[start : end.end() if end else len(text)]
    data = body.encode()
    ends = _line_ends(data, width)
    is_blank = not body or body.isspace()
    grid = Grid(text_frame([], [], width)) if is_blank else _regular(data, delimiter, header_end, width, ends)
    if grid is None:
        *_, header = csv.reader(io.StringIO(text[:start], newline=""), delimiter=delimiter)
        grid = _irregular(body, delimiter, header_end, width, len(header))
    grid.is_open = end is None
    return grid


def _line_ends(data: bytes, width: int) -> int:
    """How many ends of lines there are, of which a regular file has one a row.

    Raises:
        Unreadable: rows of this width have more cells than are read.
    """
    ends = data.count(b"\n")
    most = max(ends, data.count(b"\r") if b"\r" in data else 0)
    if most * width > MAX_CELLS:
        raise Unreadable(
            "FIL-SIZE",
            f"The file has {most:,} rows by {width:,} columns; at most {MAX_CELLS:,} cells are read. Split it and send the parts.",
        )
    return ends


def _end_of_words(text: str, blank: str) -> int:
    """Where the blanks at the end of a text begin; a long text is not copied to find out."""
    tail = text[-4096:]
    words = len(tail.rstrip(blank))
    return len(text) - len(tail) + words if words else len(text.rstrip(blank))


def _regular(data: bytes, delimiter: str, header_end: int, width: int, ends: int) -> Grid | None:
    if b"\r" in data and b"\r" in data.replace(b"\r\n", b"\n"):
        return None
    if data.startswith(b"\xef\xbb\xbf") or (b'"' in data and _quotes_stray(data, delimiter)):
        return None  # pyarrow would drop the mark or the quote, or close an open quote, in silence
    rows = ends + (not data.endswith(b"\n"))
    names = [f"c{i}" for i in range(width)]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(data),
            pacsv.ReadOptions(column_names=names, use_threads=False, block_size=max(1 << 20, min(len(data), 1 << 26))),
            pacsv.ParseOptions(delimiter=delimiter, ignore_empty_lines=False, newlines_in_values=False),
            pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != rows:
        return None
    frame = pl.DataFrame(pl.from_arrow(table))
    first = header_end + 1
    return Grid(frame.insert_column(0, pl.Series("line", range(first, first + rows), pl.Int64)))


def _quotes_stray(data: bytes, delimiter: str) -> bool:
    """Whether a quotation mark may stand where only the csv module can tell what it means."""
    whole = len(data) - 2 if data.endswith(b"\n") else len(data)  # the end of the last line aside
    last = data[data.rfind(b"\n", 0, whole) + 1 :].decode()
    try:
        list(csv.reader([last], delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    return data.startswith(b'""') or _stray_quote(delimiter).search(data) is not None


@cache
def _stray_quote(delimiter: str) -> re.Pattern[bytes]:
    """A quotation mark with text on both sides (doubled ones are none), or text after an empty quoted cell."""
    ends = re.escape(delimiter).encode() + rb"\r\n"
    after = rb'(?:"")*(?!["' + ends + rb"]|\Z)"
    return re.compile(rb'"(?<=[^"' + ends + rb']")' + after + rb'|"(?<=[' + ends + rb']")"' + after)


def _irregular(body: str, delimiter: str, header_end: int, width: int, padded: int) -> Grid:
    """`padded` is the header's number of cells with the blank ones at its end, which rows may have too."""
    lines, kept, ragged, joined = [], [], [], []
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True)
    line = header_end + 1
    try:
        for cells in reader:
            spans = reader.line_num + header_end + 1 - line
            if len(cells) == width:
                lines.append(line)
                kept.append(cells)
                if spans > 1 and any(delimiter in cell and ("\n" in cell or "\r" in cell) for cell in cells):
                    joined.append((line, cells))
            elif spans > 1 and any("\n" in cell or "\r" in cell for cell in cells):
                raise Unreadable("STR02", open_quote(line), line=line)
            elif not any(cell.strip() for cell in cells):
                lines.append(line)
                kept.append([""] * width)
            elif len(cells) == padded and not any(cell.strip() for cell in cells[width:]):
                # Any other blank surplus may come from a number that was cut at its comma, which shifts the row.
                lines.append(line)
                kept.append(cells[:width])
            else:
                ragged.append((line, cells))
            line = reader.line_num + header_end + 1
    except csv.Error:
        raise Unreadable("STR02", open_quote(line), line=line) from None
    return Grid(text_frame(lines, kept, width), ragged, joined)


def open_quote(line: int) -> str:
    """The sentence about a quotation mark that opens on a line and is not closed in its cell."""
    return (
        f"A quotation mark that opens on line {line} is not closed there, so it is not clear where the rest of the cells end. "
        "Expected quotes in pairs: close it, or double a quote that belongs to the text."
    )
