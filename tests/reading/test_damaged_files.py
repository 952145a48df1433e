"""What is damaged is refused at its place: errors, formulas never computed, open quotation marks, torn rows, cut off tables."""

import csv
import io
import re
import struct
import time
import zipfile

import openpyxl
import pytest
from made_files import as_book, as_text, assert_held, assert_same, base_outcome, outcome, rows_of, told
from trust_benchmarks.reading import formats, workbook, xls_workbook
from trust_benchmarks.reading.match_layout import Head, locate
from trust_benchmarks.reading.uneven_rows import decide_uneven_rows
from trust_benchmarks.reading.workbook import Book
from trust_benchmarks.reading.workbook_faults import faults_of

SOME = ["workforce", "procurement_prices", "corporate_services", "medicines_pharmacy"]


def changed(book: bytes, change) -> bytes:
    """A workbook with the XML of its parts changed by `change(name, part)`."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def with_cells(collection: str, cells: dict[str, str], later=None) -> bytes:
    """The base file as a workbook in which the XML of some cells, by address, is another."""

    def change(name, part):
        if name == "xl/workbook.xml" and later is not None:
            return re.sub(rb' fullCalcOnLoad="1"', b' fullCalcOnLoad="1"' if later else b"", part)
        if name.startswith("xl/worksheets/"):
            for address, xml in cells.items():
                found = re.compile(rb'<c r="%s"[^>]*(?:/>|>.*?</c>)' % address.encode())
                assert found.search(part), address
                part = found.sub(xml.format(address).encode(), part, count=1)
        return part

    return changed(as_book({"Return": rows_of(collection)}), change)


# Errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"])
@pytest.mark.parametrize(
    "xml",
    [
        '<c r="{}" t="e"><v>%s</v></c>',
        '<c r="{}" s="1" t="e"><f>A1/0</f><v>%s</v></c>',
        "<c t='e' r='{}'><v>%s</v></c>",
    ],
)
def test_an_error_comes_as_its_text(error, xml):
    content = with_cells("workforce", {"E3": xml % error})
    assert Book(content, "x.xlsx").rows("Return")[2][4] == error
    found = outcome("workforce", content, ".xlsx")
    assert any(error in (raw or "") for raw in found.findings["raw_value"]), told(found)


@pytest.mark.parametrize("error", ["#SPILL!", "#CALC!", "#BLOCKED!"])
def test_an_error_that_the_reader_does_not_know_is_named_with_its_cell(error):
    content = with_cells("workforce", {"E3": f'<c r="{{}}" t="e"><v>{error}</v></c>'})
    assert_held(outcome("workforce", content, ".xlsx"), "FIL-DAMAGED", "Cell E3 of sheet 'Return'", error)


@pytest.mark.parametrize("collection", SOME)
def test_a_row_of_errors_is_a_row(collection):
    rows = rows_of(collection)
    letters = [formats_letters(at) for at, cell in enumerate(rows[1]) if cell]
    content = with_cells(collection, {f"{letter}2": '<c r="{}" t="e"><v>#N/A</v></c>' for letter in letters})
    found = outcome(collection, content, ".xlsx")
    assert found.rows_read == base_outcome(collection).rows_read
    assert (found.findings["raw_value"] == "#N/A").any(), told(found)
    assert set(found.findings.filter(found.findings["raw_value"] == "#N/A")["line"]) == {2}


def formats_letters(at: int) -> str:
    from trust_benchmarks.reading.workbook_faults import column_letters

    return column_letters(at + 1)


def test_prefixes_and_sheets_that_say_no_places():
    part = b'<x:row r="2"><x:c r="B2" t="e"><x:v>#N/A</x:v></x:c><x:c r="C2"><x:f>A1&amp;"x"</x:f></x:c></x:row>'
    faults = faults_of(part, False)
    assert (faults.errors, faults.formulas) == ({(2, 1): "#N/A"}, {(2, 2)})
    with pytest.raises(formats.Unreadable, match="do not say where they stand"):
        faults_of(b'<row><c t="e"><v>#N/A</v></c></row>', False)


# Formulas ---------------------------------------------------------------------------------------------------------

NEVER = ['<c r="{}"><f>A1+1</f></c>', '<c r="{}"><f>A1+1</f><v></v></c>', '<c r="{}"><f>A1+1</f><v/></c>', '<c r="{}" s="2"><f t="shared" si="0"/></c>',
         '<c r="{}" t="str"><f>A1</f></c>']  # fmt: skip


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize("xml", NEVER)
def test_a_formula_that_was_never_computed_is_held_at_its_cell(collection, xml):
    rows = rows_of(collection)
    at = next(i for i in range(len(rows[1]) - 1, -1, -1) if rows[1][i])
    address = f"{formats_letters(at)}2"
    assert_held(
        outcome(collection, with_cells(collection, {address: xml}), ".xlsx"),
        "FIL-DAMAGED",
        f"Cell {address}",
        "save it and send it again",
    )


@pytest.mark.parametrize("collection", SOME)
def test_zeros_of_a_program_that_does_not_compute(collection):
    rows = rows_of(collection)
    numbers = [at for at, cell in enumerate(rows[1]) if re.fullmatch(r"\d+(\.\d+)?", cell)][:3]
    cells = {f"{formats_letters(at)}2": '<c r="{}"><f>1+1</f><v>0</v></c>' for at in numbers}
    assert_held(
        outcome(collection, with_cells(collection, cells, later=True), ".xlsx"), "FIL-DAMAGED", "never computed"
    )
    for later, last in ((False, "0"), (True, "5")):  # another program computed them, or this one some
        cells[next(reversed(cells))] = f'<c r="{{}}"><f>1+1</f><v>{last}</v></c>'
        found = outcome(collection, with_cells(collection, cells, later=later), ".xlsx")
        assert "FIL-DAMAGED" not in set(found.findings["rule_id"]), told(found)


@pytest.mark.parametrize("collection", SOME)
def test_computed_formulas_and_blank_texts_are_values(collection):
    rows = rows_of(collection)
    at = next(at for at, cell in enumerate(rows[1]) if re.fullmatch(r"\d+", cell))
    cells = {f"{formats_letters(at)}2": f'<c r="{{}}"><f>{rows[1][at]}+0</f><v>{rows[1][at]}</v></c>'}
    assert_same(collection, outcome(collection, with_cells(collection, cells), ".xlsx"))


def test_a_formula_outside_the_table_does_no_harm():
    rows = rows_of("workforce")
    sheets = {"Return": [["=TODAY()"], *rows, ["Total", "", "", "=SUM(D2:D11)"]]}
    assert_same("workforce", outcome("workforce", as_book(sheets), ".xlsx"), "totals or notes")


def test_rows_of_formulas_do_not_vanish():
    rows = [
        [f"=Lines!{formats_letters(at)}{n + 1}" for at in range(len(row))] if n in (5, 6, 13) else row
        for n, row in enumerate(rows_of("procurement_prices"))
    ]
    found = outcome("procurement_prices", as_book({"Return": rows, "Lines": [["x"]]}), ".xlsx")
    assert found.rows_read == 13
    assert_held(found, "FIL-DAMAGED", "Cell A6", "56 more cells")


# Old workbooks ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def old_workbook(shared_data) -> bytes:
    return (shared_data / "procurement/spend_over_25k/barts_2020-12.xls").read_bytes()


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def test_errors_and_formulas_of_an_old_workbook():
    sheets = record(0x85, struct.pack("<IH", 0, 0) + b"\x01\x00A") + record(
        0x85, struct.pack("<IH", 0, 0) + b"\x01\x00B"
    )
    start = len(sheets)
    cells = record(0x205, struct.pack("<HHHBB", 4, 2, 0, 0x2A, 1)) + record(0x205, struct.pack("<HHHBB", 5, 2, 0, 1, 0))
    cells += record(6, struct.pack("<HHH8sHI", 7, 1, 0, b"\x02\x00\x07\x00\x00\x00\xff\xff", 0, 0) + b"\x00\x00")
    cells += record(6, struct.pack("<HHH8sHI", 8, 1, 0, bytes(8), 1, 0) + b"\x00\x00")
    cells += record(6, struct.pack("<HHH8sHI", 9, 1, 0, bytes(8), 0, 0) + b"\x00\x00")
    stream = record(0x85, struct.pack("<IH", start, 0) + b"\x01\x00A") + sheets[: start // 2] + cells
    kept, xls_workbook._stream = xls_workbook._stream, lambda content: stream
    try:
        assert xls_workbook._faults(b"") == {0: ({(5, 3 - 1): "#N/A", (8, 1): "#DIV/0!"}, {(9, 1)})}
    finally:
        xls_workbook._stream = kept


def test_an_error_in_an_old_workbook_comes_as_its_text(old_workbook):
    number = struct.pack(
        "<HHHH", 0x0203, 14, 11, 9
    )  # the record of a number on line 12: 8 bytes of head, 2 of form, 8 of number
    at = old_workbook.index(number)
    form = old_workbook[at + 8 : at + 10]
    error = record(0x205, struct.pack("<HH2sBB", 11, 9, form, 0x07, 1))
    damaged = old_workbook[:at] + error + struct.pack("<HH", 0x00EF, 2) + b"\0\0" + old_workbook[at + 18 :]
    assert len(damaged) == len(old_workbook)
    assert Book(damaged, "x.xls").rows("Final Review ")[11][9] == "#DIV/0!"


# Quotation marks ----------------------------------------------------------------------------------------------


def open_at(rows: list[list[str]], column: int, first: int, last: int, inside="", after="") -> bytes:
    """Rows as plain text with a mark that opens in a cell of row `first` and one that closes in row `last`."""
    lines = [[cell.replace(",", " ") for cell in row] for row in rows]
    lines[first][column] = f'"{inside}{lines[first][column]}'
    lines[last][column] = f'{lines[last][column]}{after}"'
    return "\n".join(",".join(row) for row in lines).encode() + b"\n"


@pytest.mark.parametrize(
    ("collection", "column"),
    [("procurement_prices", 9), ("procurement_prices", 5), ("procurement_prices", 0), ("procurement_prices", 18), ("workforce", 2), ("sickness_absence", 6), ("estates", 3),
     ("e_rostering", 3), ("corporate_services", 2)],
)  # fmt: skip
@pytest.mark.parametrize("rows", [1, 2, 4])
@pytest.mark.parametrize("inch", ["", ' 24"" '])
def test_an_open_quote_that_a_later_one_closes_is_held(collection, column, rows, inch):
    base = rows_of(collection)
    if len(base) < 3 + rows:
        base += [list(row) for row in base[1:]] * 3
    content = open_at(base, column, 2, 2 + rows, inch)
    assert_held(outcome(collection, content), "STR02", "line 3", "quot")


@pytest.mark.parametrize(
    "text",
    [
        "Line one, of two\nLine two, of two",
        '24" tube,\n"clear", large',
        "a,b,c\r\nd,e,f\r\ng,h,i",
        "plain\n\n\ntext",
        ",\n,",
        '"" of nothing',
        'say "yes", or\nsay "no"',
    ],
)
@pytest.mark.parametrize(
    ("collection", "heading"),
    [("procurement_prices", "description"), ("sickness_absence", "ORG_NAME"), ("estates", "site_name")],
)
def test_sound_marks_and_line_breaks_stay_sound(collection, heading, text):
    rows = rows_of(collection)
    at = rows[0].index(heading)
    for row in rows[1:4]:
        row[at] = text
    found = outcome(collection, as_text(rows, end="\r\n"))
    assert found.state == "accepted", told(found)
    assert found.records[1, found.records.columns.index({"ORG_NAME": "org_name"}.get(heading, heading))] == text.strip()
    assert not found.findings.height, told(found)


def test_a_narrow_table_with_sound_text_of_several_lines():
    head = "drug_name,pack_size,unit_of_measure,basic_price,vmpp_snomed_code\n"
    rows = "".join(
        f'"Name {n}, strong, oral, plain\nand more, much more",28,tablet,{n + 100},12345678901{n:04d}\n'
        for n in range(40)
    )
    from trust_benchmarks.reading import read
    from trust_benchmarks.validation import validate

    found = validate.validate(read.read((head + rows).encode(), "drug_tariff_cat_m_2025-07.csv", "drug_tariff"))
    assert "STR02" not in set(found.findings["rule_id"]), told(found)


# Rows of another width ----------------------------------------------------------------------------------------


def cut(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row = row[:-1]
    return row


BLANK_AT_END = {"procurement_prices": 2, "corporate_services": 1, "estates": 1}


def ragged_base(collection):
    rows = rows_of(collection)
    for row in rows[1:]:
        row[-BLANK_AT_END[collection] :] = [""] * BLANK_AT_END[collection]
    return rows


@pytest.mark.parametrize("collection", ["procurement_prices"])
@pytest.mark.parametrize("which", [slice(1, 4), slice(5, None), slice(1, None)])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_cells_that_excel_left_out(collection, which, end):
    rows = ragged_base(collection)
    whole = outcome(collection, as_text(rows, end=end))
    rows[which] = [cut(row) for row in rows[which]]
    found = outcome(collection, as_text(rows, end=end))
    assert (found.state, found.records.equals(whole.records)) == (whole.state, True), told(found)
    assert "blank cells at the end" in found.findings.filter(found.findings["rule_id"] == "FIL-READ-AS")["message"][0]


@pytest.mark.parametrize(
    "collection", ["workforce", "procurement_prices", "sickness_absence", "e_rostering", "corporate_services"]
)
@pytest.mark.parametrize("extra", [1, 3])
@pytest.mark.parametrize("which", [slice(1, None), slice(2, 3)])
def test_blank_cells_too_many_at_the_end(collection, extra, which):
    rows = rows_of(collection)
    rows[which] = [row + [""] * extra for row in rows[which]]
    assert_same(collection, outcome(collection, as_text(rows)), "blank cells at the end")


@pytest.mark.parametrize("collection", ["workforce", "procurement_prices", "sickness_absence", "corporate_services"])
def test_a_row_that_lost_cells_is_held(collection):
    rows = rows_of(collection)
    rows[2] = rows[2][: len(rows[2]) // 2]
    assert_held(outcome(collection, as_text(rows)), "STR02", "Line 3 has")


@pytest.mark.parametrize("collection", ["workforce", "procurement_prices", "e_rostering"])
def test_a_row_broken_in_two_is_held(collection):
    for at in range(1, len(rows_of(collection)[0])):
        rows = rows_of(collection)
        rows[2:3] = [rows[2][:at], rows[2][at:]]
        found = outcome(collection, as_text(rows))
        assert found.state == "held" or found.rows_rejected, told(found)


@pytest.mark.parametrize("collection", ["workforce", "procurement_prices", "sickness_absence", "medicines_pharmacy"])
@pytest.mark.parametrize("cells", [1, 3])
def test_a_file_cut_off_in_its_last_row_is_held(collection, cells):
    text = as_text(rows_of(collection)).decode().rstrip("\n")
    for _ in range(cells):
        text = text.rsplit(",", 1)[0]
    assert_held(outcome(collection, text.encode()), "STR02", f"Line {len(rows_of(collection))} has")


def test_a_number_cut_at_its_comma_is_not_taken_for_blank_cells_at_the_end():
    rows = rows_of("workforce")
    at = rows[0].index("community_contacts")
    rows[2][-1] = ""
    rows[2][at : at + 1] = ["130", "942"]
    assert_held(outcome("workforce", as_text(rows)), "STR02", "thousands comma")


def test_settling_many_rows_is_linear():
    rows = ragged_base("procurement_prices")
    text = as_text([rows[0], *([cut(row) for row in rows[1:]] * 1500)]).decode()
    from trust_benchmarks.catalogue import layouts

    (layout,) = layouts.load("procurement_prices")
    fit = locate(layout, layout.tables[0], Head(formats.csv_head(text, ",")))
    grid = formats.csv_grid(text, ",", 1, len(fit.headings))
    sound, rest = decide_uneven_rows(fit, grid)
    assert (len(sound), rest) == (13 * 1500, [])


# Tables that end where old programs cut off ---------------------------------------------------------------------


@pytest.mark.parametrize(("lines", "held"), [(65_535, False), (65_536, True), (65_537, False)])
def test_a_table_that_ends_where_old_excel_cuts_off(lines, held):
    head, *rows = rows_of("procurement_prices")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    for n in range(lines - 1):
        row = rows[n % len(rows)]
        writer.writerow([*row[:2], f"PO{n:07d}", *row[3:]])
    found = outcome("procurement_prices", out.getvalue().encode())
    if held:
        assert_held(found, "FIL-CUT", "line 65,536")
        assert found.findings.filter(found.findings["rule_id"] == "FIL-CUT")["line"].to_list() == [65_536]
    else:
        assert found.state == "accepted", told(found)


@pytest.mark.parametrize(
    "part", [b'<row r="1"><c  ' + b'r="A1" ' * 30_000, b"<c " * 30_000, b'<c r="A1" t="e">' * 30_000]
)
def test_a_hostile_sheet_takes_no_time(part):
    began = time.process_time()
    list(workbook.FILLED_CELL.finditer(part))
    list(workbook.UNPLACED_CELL.finditer(part))
    workbook.LONG_CELL.search(part)
    faults_of(part + b't="e"', False)
    assert time.process_time() - began < 5


def test_a_cell_far_out_cannot_hide_behind_its_attributes():
    book = as_book({"Data": rows_of("workforce")})
    far = b'<sheetData><row r="1"><c ' + b" " * 600 + b'r="XFD1048576" t="n"><v>1</v></c></row>'
    content = changed(book, lambda name, part: part.replace(b"<sheetData>", far) if "sheet1" in name else part)
    assert_held(outcome("workforce", content, ".xlsx"), "FIL-DAMAGED", "no spreadsheet writes")


def test_a_figure_over_merged_cells_is_held_and_titles_may_be_merged():
    """One figure over three wards is nobody's; a merged title says nothing about the rows."""
    rows = [["Our wards"], *rows_of("e_rostering")]
    for merge, state in ((lambda sheet, at: sheet.merge_cells("A1:D1"), "accepted"), (_over_three_wards, "held")):
        book = openpyxl.load_workbook(io.BytesIO(as_book({"Wards": rows})))
        sheet = book.active
        merge(sheet, next(cell.column for cell in sheet[2] if cell.value == "bank_hours"))
        out = io.BytesIO()
        book.save(out)
        found = outcome("e_rostering", out.getvalue(), ".xlsx")
        assert found.state == state, told(found)
    assert_held(found, "FIL-DAMAGED", "merged", "unmerge")


def _over_three_wards(sheet, at):
    sheet.merge_cells(start_row=3, end_row=5, start_column=at, end_column=at)
