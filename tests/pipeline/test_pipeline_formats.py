"""Bytes to grids: the fast way and the slow way say the same, lines are exact, and every unreadable file is named as such."""

import csv
import gzip
import io
import random
import struct
import zipfile

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trust_benchmarks.reading import findings, formats, safely
from trust_benchmarks.reading import workbook as workbooks
from trust_benchmarks.reading.encoding import decoded
from trust_benchmarks.reading.formats import Unreadable

CELLS = st.one_of(
    st.sampled_from(["", " ", "a", "1", "1.50", '"', '""', 'a "b" c', "x,y", "p$q", "two\nlines", "two\r\nlines", "NA", "null"]),
    st.text(alphabet='ab1,"$\n\r \t\u00a0\ufeffé\x00\u2028\x0b\x85', max_size=6),
)  # fmt: skip
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def written(rows, end, delimiter=",", quote=csv.QUOTE_MINIMAL, final=True):
    out = io.StringIO()
    csv.writer(out, lineterminator=end, delimiter=delimiter, quoting=quote).writerows(rows)
    text = out.getvalue()
    return text if final else text.removesuffix(end)


def by_the_slow_way(text, delimiter, header_end, width):
    """What the csv module makes of a body, row by row: kept {line: cells} and ragged [(line, cells)]."""
    body = "".join(io.StringIO(text, newline="").readlines()[header_end:])
    return formats._irregular(body, delimiter, header_end, width, width)


def result(work):
    try:
        grid = work()
    except Unreadable as error:
        return error.rule_id, error.place
    rows = grid.frame.rows()
    while rows and not "".join(rows[-1][1:]).strip():  # blank rows below a table are cut off before it is read
        rows.pop()
    return rows, grid.ragged


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, max_size=4), max_size=8),
    end=ENDS,
    delimiter=st.sampled_from([",", "$"]),
    quote=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    final=st.booleans(),
    width=st.integers(1, 3),
)
def test_the_fast_way_equals_the_slow_way(rows, end, delimiter, quote, final, width):
    header = [f"h{i}" for i in range(width)]
    text = written([header, *rows], end, delimiter, quote, final)
    fast = result(lambda: formats.csv_grid(text, delimiter, 1, width))
    assert fast == result(lambda: by_the_slow_way(text, delimiter, 1, width))


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet='ab,"\n\r 1', max_size=40), width=st.integers(1, 3))
@example('a"b,c\nd,e\n', 2)
@example('"a"b,c\nd,e\n', 2)
@example('a,""b\nd,e\n', 2)
@example('a,b""\n5",e\n', 2)
@example('"""a""b""",e\n', 2)
@example('""a,e\n', 2)
@example('a,"b"""c\n', 2)
@example('a,b\n5","c', 2)
@example('a,b\n5","c\n\n', 2)
@example("\n\na,b\n", 2)
@example("a,b\n\n", 2)
def test_the_fast_way_equals_the_slow_way_for_any_text(text, width):
    text = ",".join("hhh"[:width]) + "\n" + text
    fast = result(lambda: formats.csv_grid(text, ",", 1, width))
    assert fast == result(lambda: by_the_slow_way(text, ",", 1, width))


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=8),
    end=ENDS,
    header=st.sampled_from([["h", "i"], ["two\nlines", "i"], ["two\r\nlines", "i\n"]]),
)
def test_every_cell_comes_back_at_its_line(rows, end, header):
    text = written([header, *rows], end, quote=csv.QUOTE_ALL)
    ends = [0]
    for row in [header, *rows]:  # where each row ends, by what was written
        ends.append(ends[-1] + len(io.StringIO(written([row], end, quote=csv.QUOTE_ALL), newline="").readlines()))
    head = formats.csv_head(text, ",")
    assert head[0] == (1, header)
    assert [line for line, _ in head] == [at + 1 for at in ends[:-1]]
    expected = [(line + 1, *row) for line, row in zip(ends[1:], rows, strict=False)]
    while expected and not "".join(expected[-1][1:]).strip():
        expected.pop()
    assert result(lambda: formats.csv_grid(text, ",", ends[1], 2)) == (expected, [])


def test_a_regular_file_goes_the_fast_way_and_others_do_not():
    assert formats._regular(b'1,"a,b"\n2,c\n', ",", 1, 2, 2).frame.rows() == [(2, "1", "a,b"), (3, "2", "c")]
    assert formats._regular(b'1,"a\nb"\n2,c\n', ",", 1, 2, 3) is None
    assert formats._regular(b"1,a,x\n2,c\n", ",", 1, 2, 2) is None


def test_rows_of_another_width_are_kept_apart_with_their_line():
    grid = formats.csv_grid("a,b\n1,2\n3\n\n4,5,6\n7,8,\n,\n9,10\n", ",", 1, 2)
    assert grid.frame.rows() == [(2, "1", "2"), (4, "", ""), (7, "", ""), (8, "9", "10")]
    assert grid.ragged == [(3, ["3"]), (5, ["4", "5", "6"]), (6, ["7", "8", ""])]


def test_rows_may_end_in_as_many_blanks_as_the_header():
    grid = formats.csv_grid("a,b,,\n1,2,,\n3,4\n5,6,\n7,8,,9\n", ",", 1, 2)
    assert grid.frame.rows() == [(2, "1", "2"), (3, "3", "4")]
    assert grid.ragged == [(4, ["5", "6", ""]), (5, ["7", "8", "", "9"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_quote_that_is_never_closed_is_named_with_its_line(end):
    text = end.join(["a,b", "1,2", '3,"four', "5,6", "7,8"]) + end
    with pytest.raises(Unreadable) as error:
        formats.csv_grid(text, ",", 1, 2)
    assert (error.value.rule_id, error.value.place) == ("STR02", {"line": 3})


def test_a_long_cell_is_read():
    grid = formats.csv_grid("a,b\n1," + "x" * 3_000_000 + "\n", ",", 1, 2)
    assert grid.frame["c1"].str.len_chars().to_list() == [3_000_000]


# What a file is -------------------------------------------------------------------------------------------------


def workbook(parts=None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (parts or {"xl/workbook.xml": b"<workbook/>"}).items():
            archive.writestr(name, content)
    return out.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WHOLE = gzip.compress(b"a,b\n1,2\n" * 500)

UNREADABLE = {
    "nothing at all": (b"", "x.csv", "FIL-EMPTY", "is empty (0 bytes"),
    "blanks only": (b" \r\n\t\n,,,\n", "x.csv", "FIL-EMPTY", "is empty"),
    "zero bytes only": (bytes(5000), "x.csv", "FIL-EMPTY", "is empty"),
    "an empty gzip": (gzip.compress(b""), "x.csv.gz", "FIL-EMPTY", "is empty"),
    "gzip cut off": (WHOLE[:-20], "x.csv.gz", "FIL-DAMAGED", "cut off"),
    "gzip damaged": (WHOLE[:20] + b"\xff\xff" + WHOLE[22:], "x.csv.gz", "FIL-DAMAGED", "damaged"),
    "a zip": (workbook({"a.csv": b"a,b\n"}), "x.zip", "FIL-KIND", "is a zip archive, not a workbook"),
    "a workbook cut off": (workbook()[:-30], "x.xlsx", "FIL-DAMAGED", "damaged or cut off"),
    "a password": (OLE + "EncryptedPackage".encode("utf-16-le"), "x.xlsx", "FIL-KIND", "protected by a password"),
    "a gzip with more behind it": (WHOLE + b"x" * 9, "x.csv.gz", "FIL-DAMAGED", "9 bytes after the end"),
    "a second part cut off": (WHOLE + WHOLE[:-9], "x.csv.gz", "FIL-DAMAGED", "cut off"),
    "a web page": (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "x.csv", "FIL-KIND", "is a web page"),
    "a PDF": (b"%PDF-1.7\n...", "x.csv", "FIL-KIND", "is a PDF"),
    "noise": (random.Random(1).randbytes(4000), "x.csv", "FIL-KIND", "is not text"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(3000), "x.png", "FIL-KIND", "is not text"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
def test_an_unreadable_file_is_named_for_what_it_is(case):
    content, name, rule_id, words = UNREADABLE[case]
    with pytest.raises(Unreadable) as error:
        formats.identify(content, name)
    assert error.value.rule_id == rule_id
    assert words in error.value.message
    assert error.value.message.endswith((".", "'."))


@pytest.mark.parametrize(
    ("content", "name", "kind", "notes"),
    [
        (b"a,b\n1,2\n", "x.csv", "csv", ""),
        (b"\xef\xbb\xbfa,b\n1,2\n", "x.CSV", "csv", ""),
        (b"a,b\n1,2\n", "no_ending", "csv", ""),
        (gzip.compress(b"a,b\n1,2\n"), "x.csv.gz", "csv", ""),
        (gzip.compress(b"a,b\n1,2\n"), "x.csv", "csv", ""),
        (gzip.compress(b"a,b\n") + bytes(512), "x.csv.gz", "csv", ""),
        (gzip.compress(b"a,b\n") + gzip.compress(b"") + gzip.compress(b"1,2\n"), "x.csv.gz", "csv", "3 gzip parts"),
        (b"a,b\n1,2\n", "x.csv.gz", "csv", "is not packed"),
        ("a,b\n1,2\n".encode("utf-16"), "x.csv", "csv", ""),
        (workbook(), "x.xlsx", "xlsx", ""),
        (workbook(), "x", "xlsx", ""),
        (workbook(), "x.csv", "xlsx", "named as text (CSV) but is an Excel workbook"),
        (workbook(), "x.xls", "xlsx", "but is an Excel workbook (.xlsx)"),
        (b"a,b\n1,2\n", "x.xlsx", "csv", "named as an Excel workbook (.xlsx) but is text"),
        (b"a,b\n1,2\n", "x.xls", "csv", "named as an old Excel workbook"),
        (OLE + bytes(600) + b"1", "x.xls", "xls", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",
)
def test_a_readable_file_is_known_by_its_content(content, name, kind, notes):
    known, _, said = formats.identify(content, name)
    assert known == kind
    assert notes in "; ".join(said) if notes else not said


def test_all_parts_of_a_gzip_file_are_read():
    parts = [bytes(random.Random(n).choices(b"abc,\n", k=200_000)) for n in range(5)]
    assert formats.identify(b"".join(map(gzip.compress, parts)) + bytes(99), "x.csv.gz")[1] == b"".join(parts)


def test_a_gzip_file_of_too_many_parts_is_stopped():
    with pytest.raises(Unreadable) as error:
        formats.identify(gzip.compress(b"a,b\n") * 10_001, "x.csv.gz")
    assert error.value.rule_id == "FIL-SIZE"


def test_a_gzip_bomb_is_stopped(monkeypatch):
    monkeypatch.setattr(formats, "MAX_BYTES", 1 << 20)
    with pytest.raises(Unreadable) as error:
        formats.identify(gzip.compress(bytes(50 << 20)), "x.csv.gz")
    assert error.value.rule_id == "FIL-SIZE"


def test_a_large_file_is_stopped(monkeypatch):
    monkeypatch.setattr(formats, "MAX_BYTES", 1000)
    with pytest.raises(Unreadable, match="larger than") as error:
        formats.identify(b"a,b\n" * 1000, "x.csv")
    assert error.value.rule_id == "FIL-SIZE"


@pytest.mark.parametrize("size", [200 << 20, 30 << 20])
def test_a_zip_bomb_is_stopped_before_it_is_unpacked(size):
    bomb = workbook({"xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": bytes(size)})
    assert len(bomb) < 1 << 20
    if size > formats.MAX_WORKBOOK_BYTES:
        with pytest.raises(Unreadable, match="unpacks to 200 MB") as error:
            formats.identify(bomb, "x.xlsx")
        assert error.value.rule_id == "FIL-SIZE"
    else:  # within the limit: it is opened, and is no workbook
        with pytest.raises(Unreadable) as error:
            workbooks.Book(formats.identify(bomb, "x.xlsx")[1], "x.xlsx")
        assert error.value.rule_id == "FIL-DAMAGED"


@pytest.mark.parametrize(
    ("content", "text", "encoding"),
    [
        (b"\xef\xbb\xbfa", "a", "utf-8"),
        (b"\xef\xbb\xbf\xef\xbb\xbf1,\xc2\xa3", "1,£", "utf-8"),
        ("1,£".encode("cp1252"), "1,£", "cp1252"),
        ("a;é\n".encode("utf-16"), "a;é\n", "utf-16-le"),
        (b"\xfe\xff" + "a;é\n".encode("utf-16-be"), "a;é\n", "utf-16-be"),
        ("ods_code,period\n".encode("utf-16-be"), "ods_code,period\n", "utf-16-be"),
        ("ods_code,period\n".encode("utf-16-le"), "ods_code,period\n", "utf-16-le"),
    ],
)
def test_the_encoding_is_found_out(content, text, encoding):
    assert decoded(content) == (text, encoding)


@pytest.mark.parametrize(
    ("content", "rule_id", "line", "words"),
    [
        ("a,b\n1,é\n".encode() + b"2,\xa3\n", "STR02", 3, "mixes two encodings"),
        (b"a,b\n1,\x81\xa3\n", "STR02", 2, "neither UTF-8 nor Windows-1252"),
        ("a,b\n1,é".encode()[:-1], "FIL-DAMAGED", 2, "ends inside a letter"),
        ("a,b\n".encode("utf-16") + b"1", "FIL-DAMAGED", None, "ends inside a letter"),
        ("a,b\n1,".encode("utf-16") + b"\x00\xd8a\x00", "STR02", 2, "not UTF-16"),
    ],
)
def test_text_in_no_encoding_or_in_two_names_the_line(content, rule_id, line, words):
    with pytest.raises(Unreadable) as error:
        decoded(content)
    assert (error.value.rule_id, error.value.place.get("line")) == (rule_id, line)
    assert words in error.value.message


# Workbooks ------------------------------------------------------------------------------------------------------


def saved(rows, title="Data", more=()) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    for name in more:
        book.create_sheet(name)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_cells_of_a_workbook_come_as_text():
    import datetime as dt

    content = saved(
        [["a", 1, 1.5, 1e20, True, dt.date(2025, 6, 30), None, dt.datetime(2025, 6, 30, 12, 30), "01"]], more=["Empty"]
    )
    book = workbooks.Book(content, "x.xlsx")
    assert book.names == ["Data", "Empty"]
    assert book.rows("Data") == [["a", "1", "1.5", "1e+20", "TRUE", "2025-06-30", "", "2025-06-30 12:30:00", "01"]]
    assert book.rows("Empty") == []


def test_lines_of_a_sheet_count_from_its_first_row():
    book = workbooks.Book(saved([[], [], ["h", "i"], ["1", "2"], [], ["3", "4", "5"], ["6"]]), "x.xlsx")
    grid = workbooks.book_grid(book.rows("Data"), 3, 2)
    assert grid.frame.rows() == [(4, "1", "2"), (5, "", ""), (7, "6", "")]
    assert [(line, cells[:3]) for line, cells in grid.ragged] == [(6, ["3", "4", "5"])]


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_workbook_is_told_as_damage(seed):
    content = bytearray(saved([["a", "b"]] * 50))
    rng = random.Random(seed)
    for _ in range(40):
        content[rng.randrange(40, len(content))] = rng.randrange(256)
    try:
        book = workbooks.Book(formats.identify(bytes(content), "x.xlsx")[1], "x.xlsx")
        for name in book.names:
            book.rows(name)
    except Unreadable as error:
        assert error.rule_id in ("FIL-DAMAGED", "FIL-KIND", "FIL-SIZE")


def far_out(cell) -> bytes:
    """A workbook with a value in A1 and whatever XML is given far from it."""
    original = zipfile.ZipFile(io.BytesIO(saved([["a"]])))
    parts = {name: original.read(name) for name in original.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(
        b"</sheetData>", cell + b"</sheetData>"
    )
    return workbook(parts)


@pytest.mark.parametrize(
    "cell",
    [
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        b'<row r="1048576"><c s="1" r="C1048576" t="n"><v>1</v></c></row>',
        b'<row r="2"><c r="XFD2"><v>1</v></c></row>',
        b"<row r='2'><c r='xfd1048576'><v>1</v></c></row>",
        b"<row>" + b"<c><v>1</v></c>" * 3000 + b"</row>" + b"<row><c><v>1</v></c></row>" * 3000,
    ],
    ids=["corner", "row", "column", "other spelling", "without addresses"],
)
def test_a_cell_far_out_does_not_unfold_the_sheet(cell):
    """The reader makes room for every cell between: without the check before it, the process aborts."""
    book = workbooks.Book(far_out(cell), "x.xlsx")
    with pytest.raises(Unreadable, match="cells are read") as error:
        book.rows("Data")
    assert (error.value.rule_id, error.value.place) == ("FIL-SIZE", {"sheet": "Data"})


@pytest.fixture(scope="module")
def old_workbook(shared_data) -> bytes:
    """A small .xls as a trust published it."""
    return (shared_data / "procurement/spend_over_25k/barts_2020-12.xls").read_bytes()


def test_an_old_workbook_is_read(old_workbook):
    book = workbooks.Book(old_workbook, "x.xls")
    assert book.names == ["Final Review "]
    rows = book.rows("Final Review ")
    assert (len(rows), {len(row) for row in rows}) == (213, {10})
    assert all(isinstance(cell, str) for row in rows for cell in row)


@pytest.mark.parametrize("column", [255, 65535])
def test_a_cell_far_out_in_an_old_workbook_does_not_end_the_process(old_workbook, column, in_child_process):
    number = struct.pack("<HHHH", 0x0203, 14, 11, 9)  # the record of a number on line 12
    assert old_workbook.count(number) == 1
    damaged = old_workbook.replace(number, struct.pack("<HHHH", 0x0203, 14, 65535, column))
    found = findings.join(safely.read(damaged, "x.xls", "procurement_prices").findings)
    assert found["rule_id"][0] in ("FIL-DAMAGED", "FIL-SIZE")


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_old_workbook_is_told_as_damage(old_workbook, seed, in_child_process):
    content, rng = bytearray(old_workbook), random.Random(seed)
    for _ in range(300):
        content[rng.randrange(8, len(content))] = rng.randrange(256)
    found = findings.join(safely.read(bytes(content), "x.xls", "procurement_prices").findings)
    assert found["rule_id"][0] in ("FIL-DAMAGED", "FIL-SIZE", "STR01")


def test_a_million_formatted_rows_without_values_do_no_harm():
    blank = b"".join(
        b'<row r="%d"><c r="A%d" s="1"/><c r="ZZ%d" s="1"></c></row>' % (n, n, n) for n in range(900_000, 901_000)
    )
    assert workbooks.Book(far_out(blank), "x.xlsx").rows("Data") == [["a"]]


@pytest.mark.parametrize("rows", [[["a", "b"], ["", "c"]], [[], [None, None, 5]], [[]]])
def test_the_extent_is_what_the_reader_finds(rows):
    content = saved(rows, more=["Other"])
    grid = workbooks.Book(content, "x.xlsx").rows("Data")
    assert workbooks._extent(content, "Data") == (len(grid), max(map(len, grid), default=0))
    assert workbooks._extent(content, "Other") == (0, 0)


def test_a_frame_of_nothing_has_its_columns():
    assert formats.csv_grid("a,b\n", ",", 1, 2).frame.schema == {"line": pl.Int64, "c0": pl.String, "c1": pl.String}
