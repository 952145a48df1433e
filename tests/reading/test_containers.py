"""Any layout in any container: delimiter, encoding, line ends, gzip and workbook are found out, and noted where unusual."""

import csv
import gzip

import pytest
from made_files import COLLECTIONS, as_book, as_text, assert_held, assert_same, base_outcome, outcome, rows_of
from trust_benchmarks.reading import read
from trust_benchmarks.validation import validate

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_the_base_file_is_sound_and_quiet(collection):
    assert base_outcome(collection).state == "accepted"
    assert not base_outcome(collection).findings.height


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize(
    ("delimiter", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars"), ("$", "dollar")]
)
def test_another_delimiter_is_found_out(collection, delimiter, word):
    assert_same(collection, outcome(collection, as_text(rows_of(collection), delimiter)), word)


@pytest.mark.parametrize("collection", ["workforce", "procurement_prices", "estates"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
def test_another_delimiter_with_quotes_and_commas_inside(collection, quoting):
    assert_same(collection, outcome(collection, as_text(rows_of(collection), ";", quoting=quoting)), "semicolons")


@pytest.mark.parametrize("collection", ["workforce", "medicines_pharmacy", "sickness_absence"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_excels_hint_line_is_no_row(collection, delimiter, quote):
    hint = f"{quote}sep={delimiter}{quote}\r\n".encode()
    found = outcome(collection, BOM + hint + as_text(rows_of(collection), delimiter, "\r\n"))
    assert_same(collection, found, "first line tells the delimiter")


@pytest.mark.parametrize("collection", ["workforce", "procurement_prices", "finance_oversight"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_utf_16_with_and_without_its_mark(collection, encoding, delimiter):
    assert_same(collection, outcome(collection, as_text(rows_of(collection), delimiter, encoding=encoding)), "UTF-16")


@pytest.mark.parametrize("collection", ["procurement_prices", "estates", "sickness_absence"])
def test_windows_text(collection):
    rows = rows_of(collection)
    at = {"procurement_prices": "supplier_name", "estates": "site_name", "sickness_absence": "ORG_NAME"}[collection]
    rows[1][rows[0].index(at)] = "St Mary’s – Café"
    found = outcome(collection, as_text(rows, encoding="cp1252"))
    assert found.state == "accepted"
    assert "St Mary’s – Café" in found.records.row(0)
    notes = [m for m in found.findings["message"] if "Windows-1252" in m]
    assert len(notes) == (collection != "sickness_absence")  # its publisher uses both


@pytest.mark.parametrize("collection", ["workforce", "procurement_prices", "e_rostering"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("marks", [0, 1, 2])
def test_line_ends_and_marks_change_nothing(collection, end, marks):
    assert_same(collection, outcome(collection, BOM * marks + as_text(rows_of(collection), end=end)))


@pytest.mark.parametrize("collection", ["workforce", "procurement_prices", "estates"])
@pytest.mark.parametrize("parts", [1, 2, 5])
def test_gzip_of_several_parts(collection, parts):
    text = as_text(rows_of(collection))
    step = len(text) // parts + 1
    packed = b"".join(gzip.compress(text[at : at + step]) for at in range(0, len(text), step))
    assert_same(
        collection, outcome(collection, packed + bytes(512), ".csv.gz"), f"{parts} gzip parts" if parts > 1 else None
    )


def test_two_packed_files_joined_have_their_headings_twice():
    rows = rows_of("procurement_prices")
    packed = gzip.compress(as_text(rows[:7])) + gzip.compress(as_text([rows[0], *rows[7:]]))
    assert_same(
        "procurement_prices", outcome("procurement_prices", packed, ".csv.gz"), "headings stand again on 1 line"
    )


@pytest.mark.parametrize("collection", [c for c in COLLECTIONS if c != "sickness_absence"])
def test_a_workbook_is_as_good_as_text(collection):
    assert_same(collection, outcome(collection, as_book({"Sheet1": rows_of(collection)}), ".xlsx"))


@pytest.mark.parametrize("collection", ["workforce", "procurement_prices", "corporate_services"])
def test_a_file_is_read_for_what_it_is(collection):
    book, text = as_book({"Return": rows_of(collection)}), as_text(rows_of(collection))
    assert_same(collection, outcome(collection, book, ".csv"), "is named as text (CSV) but is an Excel workbook")
    assert_same(collection, outcome(collection, text, ".xlsx"), "but is text (CSV)")
    assert_same(collection, outcome(collection, as_text(rows_of(collection), "\t"), ".xls"), "tabs")
    assert_same(collection, outcome(collection, text, ".csv.gz"), "not packed")


@pytest.mark.parametrize("ending", [".csv", ".xls", ".txt"])
@pytest.mark.parametrize(
    "page", ["<html><body><table><tr><td>ods_code", "<!DOCTYPE html>\n<p>Sign in", "<?xml version='1.0'?><Workbook>"]
)
def test_a_page_is_no_table(ending, page):
    assert_held(outcome("workforce", page.encode() * 3, ending), "FIL-KIND", "web page")


def test_headings_that_two_delimiters_fit_are_refused():
    names = ["Organisation Code", "Organisation Name", "Number of sites leased from NHS Property Services (No.)"]
    text = ",,,;;;\n" + ",".join(names) + ",other;" + ";".join(names) + "\n" + "RA9,Made up,1,x;RA9;Made up;1\n" * 3
    found = validate.validate(read.read(text.encode(), "eric_2016-17.csv", "estates"))
    assert_held(found, "STR02", "commas or semicolons", "both fit a template")


# Sheets of a known workbook as text, and known text in a workbook ------------------------------------------------


def real(shared_data, name):
    return (shared_data / "estates_eric" / name).read_bytes()


@pytest.mark.parametrize("year", ["2014-15", "2016-17"])
@pytest.mark.parametrize(("sheet", "part"), [("Site Data", "site"), ("Trust Data", "trust")])
@pytest.mark.parametrize("delimiter", [",", "$"])
def test_a_sheet_of_a_known_workbook_is_known_as_text(shared_data, year, sheet, part, delimiter):
    from trust_benchmarks.reading.workbook import Book

    content = real(shared_data, f"eric_{year}_workbook.xls")
    rows = Book(content, "x.xls").rows(sheet)
    whole = validate.validate(read.read(content, f"eric_{year}_workbook.xls", "estates"))
    found = validate.validate(read.read(as_text(rows, delimiter), f"eric_{year}_{part}.csv", "estates"))
    assert (found.reading.part, found.reading.period) == (part, year)
    records = whole.records.filter(whole.records["level"] == part).drop("sheet", "line")
    assert found.records.drop("sheet", "line").equals(records)


@pytest.mark.parametrize(
    ("name", "delimiter"),
    [
        ("eric_2016-17_trust_dollar_delimited.csv", ","),
        pytest.param("eric_2015-16_trust.csv", "$", marks=pytest.mark.full),
        pytest.param("eric_2019-20_site.csv", "$", marks=pytest.mark.full),
    ],
)
def test_a_known_year_is_known_with_another_delimiter(shared_data, name, delimiter):
    import io

    content = real(shared_data, name)
    rows = list(csv.reader(io.StringIO(content.decode()), delimiter="$" if "dollar" in name else ","))
    whole = validate.validate(read.read(content, name, "estates"))
    for sent, ending in ((as_text(rows, delimiter), ""), (as_book({"Data": rows}), ".xlsx")):
        found = validate.validate(read.read(sent, name + ending, "estates"))
        assert (found.state, found.reading.layout.name) == (whole.state, whole.reading.layout.name)
        assert found.records.drop("sheet", "line").equals(whole.records.drop("sheet", "line"))


def test_a_six_column_file_may_ask_every_question_of_placements(shared_data):
    text = (shared_data / "out_of_area_placements/oaps_2016-12.csv").read_text("utf-8")
    import io

    rows = [[row[at] for at in (0, 1, 2, 4, 5, 7)] for row in csv.reader(io.StringIO(text))]
    wide = validate.validate(read.read(text.encode(), "oaps_2016-12.csv", "out_of_area_placements"))
    found = validate.validate(read.read(as_text(rows), "oaps_2016-12.csv", "out_of_area_placements"))
    assert found.reading.layout.name == "nhsd-oaps-2016-10"
    names = ["question", "org_type", "org_code", "breakdown", "value", "rounded_value", "value_status"]
    assert found.records.select(names).equals(wide.records.select(names))
