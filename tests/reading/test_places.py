"""The table is found on the visible sheet that fits, below titles and at any corner; what is not plain is held by name."""

import io

import pytest
from made_files import as_book, as_text, assert_held, assert_same, outcome, rows_of, told
from trust_benchmarks.reading import read, workbook_tables
from trust_benchmarks.validation import validate

SOME = ["workforce", "procurement_prices", "corporate_services", "estates"]


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize("down", [0, 2, 20])
@pytest.mark.parametrize("right", [0, 1, 3])
def test_a_table_at_any_corner(collection, down, right):
    width = len(rows_of(collection)[0])
    rows = [[""] * (width + right)] * down + [[""] * right + row for row in rows_of(collection)]
    note = f"headings stand on line {down + 1}" if down else f"begins in column {'ABCD'[right]}" if right else None
    assert_same(collection, outcome(collection, as_text(rows)), note)
    assert_same(collection, outcome(collection, as_book({"Sheet1": rows}), ".xlsx"), note)


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize(
    "titles",
    [
        [["Return of June"], [], ["Please fill in all cells"]],
        [["", "Trust", "RA9"], ["", "Period", "June 2025"], []],
        [["Produced on 2025-07-03, for internal use"]],
    ],
)
def test_title_lines_above_the_headings(collection, titles):
    rows = [*titles, *rows_of(collection)]
    assert_same(collection, outcome(collection, as_text(rows)), f"headings stand on line {len(titles) + 1}")
    assert_same(collection, outcome(collection, as_text(rows, ";")), "semicolons")
    assert_same(collection, outcome(collection, as_book({"A": rows}), ".xlsx"), f"line {len(titles) + 1}")


@pytest.mark.parametrize("collection", ["workforce", "procurement_prices", "e_rostering"])
def test_headings_that_were_sorted_into_the_middle_are_refused(collection):
    rows = rows_of(collection)
    assert_held(
        outcome(collection, as_text([*rows[1:4], rows[0], *rows[4:]])), "STR01", "above the headings", "first line 1"
    )
    assert_held(outcome(collection, as_book({"A": [*rows[1:], rows[0]]}), ".xlsx"), "STR01", "above the headings")


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize("more", [1, 4])
def test_blank_columns_and_rows_around_the_table(collection, more):
    rows = [row + [""] * more for row in rows_of(collection)] + [[""] * 30] * 20
    assert_same(collection, outcome(collection, as_text(rows)))
    assert_same(collection, outcome(collection, as_book({"A": rows}), ".xlsx"))


@pytest.mark.parametrize("collection", SOME)
def test_a_blank_column_between_the_others(collection):
    rows = [[*row[:4], "", *row[4:]] for row in rows_of(collection)]
    assert_same(collection, outcome(collection, as_text(rows)))


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize("line", [3, -1])
def test_a_cell_in_a_column_without_a_heading_is_refused(collection, line):
    rows = [["", *row] for row in rows_of(collection)] * 1
    rows += [list(row) for row in rows[1:]] * 5 if line == -1 else []
    rows[line][0] = "see below"
    found = outcome(collection, as_text(rows))
    assert found.state == "held", told(found)
    assert any("no heading" in message for message in found.findings["message"])


@pytest.mark.parametrize("collection", SOME)
def test_a_note_beside_the_table_is_set_aside(collection):
    rows = [["", *row] for row in rows_of(collection)] + [[], ["Note: provisional"]]
    assert_same(collection, outcome(collection, as_text(rows)), "totals or notes")


# Sheets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize(
    "cover", [[["Cover"]], [["How to fill in"], ["ods_code", "your code"], ["period", "the month"]]]
)
def test_the_sheet_that_fits_is_read_wherever_it_stands(collection, cover):
    sheets = {"Cover": cover, "Data": rows_of(collection), "Lookup": [["a", "b"], ["1", "2"]]}
    assert_same(
        collection,
        outcome(collection, as_book(sheets), ".xlsx"),
        "stands on sheet 'Data', not on the first one ('Cover')",
    )
    sheets = {"Data": rows_of(collection), "Cover": cover}
    assert_same(collection, outcome(collection, as_book(sheets), ".xlsx"))


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_of_something_else_is_named(collection, state):
    book = as_book({"Lists": [["x"], ["1"]], "Return": rows_of(collection)}, {"Lists": state})
    assert_same(collection, outcome(collection, book, ".xlsx"), "hidden sheets were not read ('Lists')")


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
@pytest.mark.parametrize("first", [True, False])
def test_a_hidden_table_that_differs_is_held(collection, state, first):
    other = rows_of(collection)
    other.pop()
    sheets = {"old": other, "Return": rows_of(collection)} if first else {"Return": rows_of(collection), "old": other}
    assert_held(outcome(collection, as_book(sheets, {"old": state}), ".xlsx"), "STR01", "'Return'", "'old'", "hidden")


@pytest.mark.parametrize("collection", SOME)
def test_a_hidden_table_that_is_the_same_or_empty_is_noted(collection):
    for other in (rows_of(collection), rows_of(collection)[:1]):
        book = as_book({"copy": other, "Return": rows_of(collection)}, {"copy": "hidden"})
        assert_same(collection, outcome(collection, book, ".xlsx"), "'copy'")


@pytest.mark.parametrize("collection", SOME)
def test_a_table_that_is_only_hidden_is_not_read(collection):
    book = as_book({"Cover": [["See below"]], "Return": rows_of(collection)}, {"Return": "hidden"})
    assert_held(outcome(collection, book, ".xlsx"), "STR01", "hidden sheet 'Return'")


@pytest.mark.parametrize("collection", SOME)
def test_two_sheets_that_fit_are_held_by_name(collection):
    rows = rows_of(collection)
    for second in ([rows[0], *rows[5:]], rows):
        found = outcome(collection, as_book({"Part 1": rows[:5], "Part 2": second}), ".xlsx")
        assert_held(found, "STR01", "2 sheets", "'Part 1', 'Part 2'")


@pytest.mark.parametrize("collection", SOME)
def test_a_second_sheet_with_headings_only_is_a_blank_template(collection):
    rows = rows_of(collection)
    assert_same(collection, outcome(collection, as_book({"Return": rows, "Blank": rows[:1]}), ".xlsx"))
    assert_same(collection, outcome(collection, as_book({"Blank": rows[:1], "Return": rows}), ".xlsx"), "'Return'")


@pytest.mark.parametrize("collection", SOME)
def test_a_second_sheet_that_nearly_fits_is_not_left_out_in_silence(collection):
    rows = rows_of(collection)
    other = [[*rows[0][:-1], "strange"], *rows[1:]]
    assert_held(outcome(collection, as_book({"A": rows, "B": other}), ".xlsx"), "STR01", "'B' nearly does")


def test_a_table_cut_into_full_sheets_is_read_as_one(monkeypatch):
    monkeypatch.setattr(workbook_tables, "MOST_LINES", (8,))
    rows = rows_of("procurement_prices")
    book = as_book({"1": rows[:8], "2": [rows[0], *rows[8:]]})
    assert_same(
        "procurement_prices", outcome("procurement_prices", book, ".xlsx"), "goes on from sheet to sheet ('1', '2')"
    )
    again = as_book({"1": rows[:8], "2": [rows[0], *rows[7:]]})  # a row stands on both
    assert_held(outcome("procurement_prices", again, ".xlsx"), "STR01", "2 sheets")


# Workbooks of several tables ------------------------------------------------------------------------------------


def sheets_of(shared_data):
    from trust_benchmarks.reading.workbook import Book

    book = Book((shared_data / "estates_eric/eric_2016-17_workbook.xls").read_bytes(), "x.xls")
    return {name: book.rows(name) for name in ("Trust Data", "Site Data")}


def result(content):
    return validate.validate(read.read(content, "eric_2016-17.xlsx", "estates"))


def plain_book(sheets):
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    for title, rows in sheets.items():
        sheet = book.add_worksheet(title)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    book.close()
    return out.getvalue()


@pytest.mark.full
def test_a_workbook_of_several_tables(shared_data):
    sheets = sheets_of(shared_data)
    whole = result(plain_book(sheets))
    assert (whole.rows_read, whole.reading.part) == (1449, "site")
    renamed = result(plain_book({"Cover": [["ERIC"]], "Trusts": sheets["Trust Data"], "Sites": sheets["Site Data"]}))
    assert renamed.records.drop("sheet").equals(whole.records.drop("sheet"))
    assert any("table of sheet 'Site Data' stands on sheet 'Sites'" in m for m in renamed.findings["message"])
    alone = result(plain_book({"Site Data": sheets["Site Data"]}))
    assert (alone.rows_read, alone.reading.part) == (1213, "site")
    broken = [list(row) for row in sheets["Trust Data"]]
    broken[1][0] = "Organization"
    assert_held(
        result(plain_book({"Trust Data": broken, "Site Data": sheets["Site Data"]})), "STR01", "'Organisation Code'"
    )


def test_the_sheet_that_we_add_is_the_one_that_is_passed_over():
    from trust_benchmarks.ingest import manifest

    assert workbook_tables.OURS == manifest.SHEET


@pytest.mark.parametrize(
    ("collection", "column", "text"),
    [
        ("e_rostering", "ward_id", "Total care"),
        ("procurement_prices", "supplier_name", "Total Orthopaedics Ltd"),
        ("procurement_prices", "supplier_name", "Source BioScience"),
        ("procurement_prices", "description", "Notes: sterile gloves"),
    ],
)
def test_a_row_that_begins_like_a_total_is_a_row_where_all_that_names_it_is_there(collection, column, text):
    rows = rows_of(collection)
    at = rows[0].index(column)
    rows[3][at] = text
    rows = [[row[at], *row[:at], *row[at + 1 :]] for row in rows]
    rows.append(["Total", *[""] * (len(rows[0]) - 1)])
    rows.append(["Total of all rows", *rows[1][1:]])
    found = outcome(collection, as_text(rows))
    assert found.records.height == len(rows) - 3, told(found)
    assert found.reading.rows_set_aside == 2
    assert text in found.records[column]
