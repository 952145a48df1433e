"""The trust's workbook back: its cells as sent, every finding marked and listed, nothing that runs, and known again."""

import csv
import hashlib
import io
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime

import flow
import hostile
import openpyxl
import polars as pl
import pytest
from openpyxl.utils.escape import unescape
from python_calamine import CalamineWorkbook
from sizes import size
from trust_benchmarks.ingest import manifest
from trust_benchmarks.reading import harmless
from trust_benchmarks.schemas import workforce as workforce_schema
from trust_benchmarks.stewardship import compare, source_sheets, workbook, workbook_findings
from trust_benchmarks.stewardship.submitted_file import Submission

NAME = "workforce_RA9_2025-06_v1.csv"
SOFFICE = shutil.which("soffice")


def about(content, name, collection, **more):
    facts = {"period": "2025-06", "sender": "RA9", "name": "Example Trust", "version": 1}
    return Submission(
        submission_id="s1",
        sha256=hashlib.sha256(content).hexdigest(),
        collection=collection,
        file_name=name,
        received_at=datetime(2025, 7, 1, 9, 30),
        **(facts | more),
    )


def made(tmp_path, content, name=NAME, collection="workforce", findings=None, **more):
    """The workbook of a file, and what the pipeline had found."""
    outcome = flow.checked(content, name, collection)
    path = tmp_path / "made.xlsx"
    found = outcome.findings if findings is None else findings
    workbook.build_from(content, about(content, name, collection, **more), found, path)
    assert list(tmp_path.iterdir()) == [path]  # no draft is left behind
    return path, outcome


def cells(path, sheet):
    """A sheet as the pipeline's own reader sees it."""
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python(skip_empty_area=False)


def listed(path):
    """The list of findings: a dict by heading for each."""
    rows = [row for row in openpyxl.load_workbook(path)["Findings"].iter_rows(values_only=True)]
    start = next(at for at, row in enumerate(rows) if row[0] == "No.")
    return [dict(zip(rows[start], row, strict=True)) for row in rows[start + 1 :]]


def links(sheet):
    """Where the links of a sheet lead, in the order of its rows."""
    return [cell.hyperlink.location for row in sheet.iter_rows() for cell in row if cell.hyperlink]


def parts(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def faulty(rows):
    rows[2]["fte"] = "12.000,5"
    rows[3]["headcount"] = "many"
    rows[5]["period"] = ""
    rows[6]["fte_days_lost"] = "99999999"


# What is in it -------------------------------------------------------------------------------------------------------


def test_every_finding_is_listed_and_its_cell_marked_and_linked(tmp_path):
    path, outcome = made(tmp_path, flow.workforce(change=faulty))
    assert outcome.state == "held"
    found = listed(path)
    assert len(found) == outcome.findings.height == 6
    assert [row["Rule"] for row in found] == outcome.findings["rule_id"].to_list()
    assert [row["Line in your file"] for row in found] == outcome.findings["line"].to_list()
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["return", "Findings", manifest.SHEET]
    assert book[manifest.SHEET].sheet_state == "veryHidden"
    # By hand: heading row, then row n of the return stands in line n + 2; fte is column E, headcount D, period B, lost K.
    expected = {"E4": "VAL-TYPE", "D5": "VAL-TYPE", "B7": "VAL-MISSING", "K8": "WF-R4"}
    noted = {cell.coordinate: cell for row in book["return"].iter_rows() for cell in row if cell.comment}
    assert {at: cell.comment.text.split(" ")[0] for at, cell in noted.items()} == expected
    for cell in noted.values():
        assert cell.fill.fgColor.rgb == "FFF6CCC8" and cell.font.b and cell.border.left.style == "thick"
    assert "Expected a whole number in people" in noted["D5"].comment.text
    assert "send the whole return again" in noted["D5"].comment.text
    assert links(book["Findings"]) == [f"'return'!{at}" for at in expected]
    unmarked = [cell for row in book["return"].iter_rows() for cell in row if cell.coordinate not in expected]
    assert not any(cell.fill.fill_type or cell.font.b for cell in unmarked)


def test_warnings_and_what_a_decision_passes_over_look_different(tmp_path):
    def unusual(rows):
        rows[0]["fte_days_available"] = "9999"

    content = flow.workforce(change=unusual)
    found = flow.checked(content, NAME, "workforce").findings
    assert found["severity"].to_list() == ["warn"]
    path, _ = made(tmp_path, content, findings=found)
    cell = openpyxl.load_workbook(path)["return"]["J2"]
    assert (cell.fill.fgColor.rgb, cell.font.i, cell.border.left.style) == ("FFFFF0C2", True, "dashed")
    assert listed(path)[0]["What to do"].startswith("Check this value.")
    path, _ = made(tmp_path, content, findings=found.with_columns(decision_id=pl.lit(7, pl.Int64)))
    assert openpyxl.load_workbook(path)["return"]["J2"].border.left.style == "dotted"
    assert listed(path)[0]["What to do"] == "No action needed: covered by decision 7."


def test_many_findings_of_one_cell_are_joined_in_one_note(tmp_path):
    content = flow.workforce(change=faulty)
    found = flow.checked(content, NAME, "workforce").findings
    one = found.filter((pl.col("rule_id") == "VAL-TYPE") & (pl.col("column_name") == "headcount"))
    many = pl.concat([one.with_columns(message=pl.lit(f"message {n} " + "long " * 3000)) for n in range(20)])
    path, _ = made(tmp_path, content, findings=many)
    note = openpyxl.load_workbook(path)["return"]["D5"].comment.text
    assert note.count("VAL-TYPE") == 8 and "And 12 more: see the sheet Findings." in note and len(note) < 8_000
    assert len(listed(path)) == 20


def test_beyond_the_most_notes_cells_are_marked_and_the_list_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "NOTES", 3)
    path, _ = made(tmp_path, flow.workforce(change=lambda rows: [row.update(headcount="x") for row in rows]))
    sheet = openpyxl.load_workbook(path)["return"]
    assert [bool(sheet.cell(line, 4).comment) for line in range(2, 12)] == [True] * 3 + [False] * 7
    assert all(sheet.cell(line, 4).font.b for line in range(2, 12))
    text = [row[0] for row in cells(path, "Findings")]
    assert "The first 3 marked cells have a note; 7 more have none. All findings are listed below." in text


def test_findings_go_on_on_a_second_sheet_when_one_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_findings, "MOST_ROWS", 24)
    path, outcome = made(
        tmp_path, flow.workforce(change=lambda rows: [row.update(headcount="x", fte="y") for row in rows])
    )
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["return", "Findings", "Findings 2", manifest.SHEET]
    numbers = [row[0] for name in ("Findings", "Findings 2") for row in cells(path, name) if isinstance(row[0], float)]
    assert numbers == list(range(1, outcome.findings.height + 1))


def test_the_same_submission_gives_the_same_bytes(tmp_path):
    content = flow.workforce(change=faulty)
    one = made(tmp_path, content)[0].read_bytes()
    assert made(tmp_path, content)[0].read_bytes() == one


# The sheets as sent --------------------------------------------------------------------------------------------------

VALUES = {
    "12": 12.0, "-3": -3.0, "0": 0.0, "12.5": 12.5, "0.1": 0.1, "123456789012.25": 123456789012.25,
    "007": "007", "1.10": "1.10", "90.0": "90.0", "+5": "+5", "-0": "-0", "1e5": "1e5", "1E5": "1E5", "1,200": "1,200",
    "12345678901234567": "12345678901234567", "0.00001": "0.00001", "٣": "٣", ".5": ".5", "5.": "5.", "NaN": "NaN",
    "TRUE": "TRUE", " 12 ": " 12 ", "2025-06-01": "2025-06-01",
}  # fmt: skip


@pytest.mark.parametrize("text", VALUES)
def test_a_number_is_written_as_one_only_if_it_is_written_so_again(tmp_path, text):
    path, _ = made(tmp_path, flow.workforce(change=lambda rows: rows[0].update(agency_pay_gbp=text)))
    found = cells(path, "return")[1][15]
    assert found == VALUES[text] and type(found) is type(VALUES[text])


def test_texts_that_are_digits_stay_texts_in_text_columns(tmp_path):
    rows = [dict.fromkeys(flow.workforce_rows()[0], "1") | {"ods_code": "100", "period": "12"}]
    path, _ = made(tmp_path, flow.text(rows))
    assert cells(path, "return")[1][:4] == ["100", "12", "1", 1.0]


def test_every_cell_of_a_csv_file_stands_where_it_was(tmp_path):
    content = flow.workforce(change=faulty)
    path, outcome = made(tmp_path, content)
    again = flow.checked(path.read_bytes(), "workforce_RA9_2025-06_v2.xlsx", "workforce")
    assert again.reading.tables[0].frame.equals(outcome.reading.tables[0].frame)
    assert again.reading.tables[0].sheet == "return"
    assert sorted(again.findings.drop("sheet").rows(), key=str) == sorted(
        outcome.findings.drop("sheet").rows(), key=str
    )


def test_rows_of_several_lines_blank_lines_and_notes_keep_their_findings(tmp_path):
    header, *lines = flow.workforce(change=faulty).decode().splitlines()
    lines[0] = lines[0].replace("hchs_doctors", '"hchs\nsurgeons"')  # lines 2 and 3
    lines.insert(1, "")  # line 4
    content = "\r\n".join([header, *lines, "Total,,,99", "Note: as at the last day", ""]).encode()
    path, outcome = made(tmp_path, content)
    sheet, found = openpyxl.load_workbook(path)["return"], outcome.findings
    assert sheet["C2"].value == "hchs\nsurgeons" and sheet["C2"].comment.text.startswith("VAL-LIST")
    assert found.filter(pl.col("rule_id") == "VAL-TYPE")["line"].to_list() == [6, 7]
    assert sheet["D6"].value == "many" and sheet["D6"].comment  # line 7 is the sixth row: a row took two lines
    assert [cell.value for cell in sheet[13]][:4] == ["Total", None, None, 99]
    assert sheet.max_row == 14


def test_torn_rows_and_open_quotes_are_shown_as_they_are(tmp_path):
    header, *lines = flow.workforce().decode().splitlines()
    torn = "\n".join([header, lines[0] + ",extra", lines[1], "RA9,2025-06,other", *lines[2:]]).encode()
    path, outcome = made(tmp_path, torn)
    sheet = openpyxl.load_workbook(path)["return"]
    assert sheet["X2"].value == "extra" and sheet["F2"].comment.text.startswith("STR02")  # cut at a comma, it seems
    assert sheet["A4"].comment.text.startswith("STR02") and [c.value for c in sheet[4]][:4] == [
        "RA9",
        "2025-06",
        "other",
        None,
    ]
    quote = "\n".join([header, lines[0], '"' + lines[1], *lines[2:]]).encode()
    path, outcome = made(tmp_path, quote)
    assert outcome.findings["rule_id"].to_list() == ["STR02"] and outcome.findings["line"].to_list() == [3]
    sheet = openpyxl.load_workbook(path)["return"]
    assert sheet["A3"].value == '"RA9' and sheet["A3"].comment and sheet.max_row == 11
    assert any("Some quotation marks are not closed" in str(row[0]) for row in cells(path, "Findings"))


def test_a_file_with_unknown_headings_or_letters_is_shown_with_its_findings(tmp_path):
    path, outcome = made(tmp_path, flow.workforce().replace(b"fte,", b"wte,", 1))
    assert outcome.findings["rule_id"].to_list() == ["STR01"]
    sheet = openpyxl.load_workbook(path)["return"]
    assert sheet["A1"].comment.text.startswith("STR01") and sheet["E1"].value == "wte"
    path, outcome = made(tmp_path, flow.workforce().replace(b"other", "caf\u00e9 \u00a3".encode("cp1252")))
    assert "FIL-READ-AS" in outcome.findings["rule_id"].to_list()
    assert cells(path, "return")[10][2] == "café £"
    path, outcome = made(tmp_path, flow.workforce().replace(b"other", b"caf\xe9\x81"))
    assert outcome.findings["rule_id"].to_list() == ["STR02"]
    assert cells(path, "return")[10][2].startswith("café")
    assert any("not UTF-8" in str(row[0]) for row in cells(path, "Findings"))


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("return.csv", b"", "FIL-EMPTY"),
        ("return.pdf", b"%PDF-1.7 x", "FIL-KIND"),
        ("return.xlsx", b"PK\x03\x04 cut off", "FIL-DAMAGED"),
        ("return.csv", bytes(range(256)) * 50, "FIL-KIND"),
    ],
)
def test_a_file_that_cannot_be_read_gives_the_list_alone(tmp_path, name, content, rule):
    path, outcome = made(tmp_path, content, name=name)
    assert openpyxl.load_workbook(path).sheetnames == ["Findings", manifest.SHEET]
    assert [row["Rule"] for row in listed(path)][:1] == [rule] == outcome.findings["rule_id"].to_list()[:1]
    assert any("could not be read" in str(row[0]) for row in cells(path, "Findings"))
    assert manifest.answered(path.read_bytes()).submission_id == "s1"


def test_more_rows_than_a_sheet_holds_are_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 10)
    with pytest.raises(
        workbook.TooLarge, match=r"has 11 rows, and a sheet of a workbook holds 10\. Send the trust the list"
    ):
        made(tmp_path, flow.workforce())
    assert list(tmp_path.iterdir()) == []


def sent_book(change=lambda book: None):
    """A return as a workbook of three sheets, with a formula, a link and a sheet that is called as ours."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Our's 'own' data"
    for row in csv.reader(io.StringIO(flow.workforce(change=faulty).decode())):
        sheet.append([float(cell) if re.fullmatch(r"\d+\.?\d*", cell) else cell or None for cell in row])
    notes = book.create_sheet("Findings")
    notes["B3"] = '=HYPERLINK("https://example.test","x")'
    notes["B4"] = "our own notes"
    notes["B4"].hyperlink = "https://example.test/"
    notes["C5"] = datetime(2025, 6, 30)
    book.create_sheet("empty")
    change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_keeps_its_sheets_and_loses_formulas_and_links(tmp_path):
    path, outcome = made(tmp_path, sent_book(), name="workforce_RA9_2025-06_v1.xlsx")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Our's 'own' data", "Findings", "empty", "Findings (2)", manifest.SHEET]
    assert book["Our's 'own' data"]["D5"].comment.text.startswith("VAL-TYPE") and outcome.findings.height == 6
    assert book["Findings"]["B4"].value == "our own notes" and book["Findings"]["C5"].value == "2025-06-30"
    whole = b"".join(parts(path).values())
    assert b"example.test" not in whole and b"<f>" not in whole and b"<f " not in whole
    assert "'Our''s ''own'' data'!D5" in links(book["Findings (2)"])
    assert book["Our's 'own' data"]["D2"].value == 100


def test_names_that_no_sheet_can_have_are_changed_and_told(tmp_path, monkeypatch):
    names = ["😀" * 31, "a/b:c?", "'quoted'", "A/B:C?", "history", "\u202ex\ny", f"{manifest.SHEET} copy"]
    found = [source_sheets.Sheet(name, name, iter([(1, ["x"])]), 1) for name in names]
    monkeypatch.setattr(workbook.source_sheets, "of", lambda *_: (found, []))
    path, _ = made(tmp_path, flow.workforce())
    called = openpyxl.load_workbook(path).sheetnames
    assert called[:5] == ["😀" * 15, "a-b-c-", "quoted", "A-B-C- (2)", "history (2)"]
    assert called[5:7] == ["-U+202E-x-y", f"{manifest.SHEET} copy"]
    assert sum("of your file is called" in str(row[0]) for row in cells(path, "Findings")) == 6


def test_very_wide_and_very_large_files_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(source_sheets, "MAX_CELLS", 1_000)
    header, *lines = flow.workforce().splitlines()
    path, _ = made(tmp_path, b"\n".join([header, *lines, b",".join([b"w"] * 1500)]))
    assert max(map(len, cells(path, "return"))) == 1_000 // 12
    assert any(
        "have 1,500 cells; only the first 83 of each row are shown" in str(row[0]) for row in cells(path, "Findings")
    )
    monkeypatch.setattr(source_sheets, "MAX_CELLS", 200)
    path, _ = made(tmp_path, flow.workforce())
    assert openpyxl.load_workbook(path).sheetnames == ["Findings", manifest.SHEET]
    assert any("so it is not shown here. It has 11 rows" in str(row[0]) for row in cells(path, "Findings"))


def test_nothing_is_left_when_writing_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "_write_note", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        made(tmp_path, flow.workforce(change=faulty))
    assert list(tmp_path.iterdir()) == []


def test_a_workbook_of_ours_that_is_still_wrong_does_not_pile_up_our_sheets(tmp_path):
    path, _ = made(tmp_path, flow.workforce(change=faulty))
    path, outcome = made(tmp_path, path.read_bytes(), name="workforce_RA9_2025-06_v2.xlsx")
    assert outcome.findings.height == 6
    assert openpyxl.load_workbook(path).sheetnames == ["return", "Findings", manifest.SHEET]


# Nothing harmful -----------------------------------------------------------------------------------------------------


def hostile_return():
    """A return whose cells hold hostile content, one kind a row, in a text and in a number column; and the texts."""
    fields = list(workforce_schema.Row.to_schema().columns)
    rows = [dict.fromkeys(fields, "") | {"staff_group": text, "fte": text} for text in hostile.CONTENT.values()]
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(row | {"ods_code": "RA9", "period": "2025-06"} for row in rows)
    return out.getvalue().encode()


def check_harmless(path):
    whole = parts(path)
    for name, content in whole.items():
        assert not re.search(rb"<f[ >]", content), name
        assert b'TargetMode="External"' not in content and b"vbaProject" not in content, name
    assert not [
        name for name in whole if "external" in name.lower() or "vba" in name.lower() or "embed" in name.lower()
    ]
    book = openpyxl.load_workbook(path)
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in "sn", (sheet.title, cell.coordinate, cell.value)
                text = str(cell.value or "") + (cell.comment.text if cell.comment else "")
                assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text), cell.coordinate
    return book


def test_hostile_cells_stay_texts(tmp_path):
    path, _ = made(tmp_path, hostile_return())
    book = check_harmless(path)
    wanted = [harmless.in_cell(text) for text in hostile.CONTENT.values()]
    for column in (3, 5):
        assert [unescape(book["return"].cell(line, column).value) for line in range(2, len(wanted) + 2)] == wanted
    assert [row[2] for row in cells(path, "return")[1:]] == wanted
    for name in ("formula", "command", "plus", "at", "tab before a formula", "full-width formula"):
        cell = book["return"].cell(2 + list(hostile.CONTENT).index(name), 3)
        assert cell.quotePrefix and cell.number_format == "@", name  # stays a text when somebody edits it
    for row in listed(path):
        assert not re.search("[\u200b-\u200f\ufeff]", "".join(map(str, row.values())))
    said = [str(row[0]) for row in cells(path, "Findings")]
    assert any(
        "4 cells contain more text than a workbook cell can hold and were cut (return!C" in line for line in said
    )
    assert any("6 cells contain characters that cannot be shown" in line for line in said)


@pytest.mark.skipif(
    not SOFFICE, reason="LibreOffice (soffice) is not installed: apt-get install libreoffice-calc-nogui"
)
def test_libreoffice_saves_texts_as_texts_and_the_manifest_whole(tmp_path):
    path, _ = made(tmp_path, hostile_return())
    out = tmp_path / "saved"
    command = [SOFFICE, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx", "--outdir", str(out), str(path)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    saved = out / path.name
    check_harmless(saved)
    wanted = [harmless.in_cell(text) for text in hostile.CONTENT.values()]
    assert [row[2] for row in cells(saved, "return")[1:]] == wanted
    assert [row[4] for row in cells(saved, "return")[1:]] == wanted
    answer = manifest.answered(saved.read_bytes())
    assert answer.submission_id == "s1" and answer.lines.height == len(wanted)


def test_hostile_cells_are_quoted_in_csv_and_shown_on_pages():
    for name, text in hostile.CONTENT.items():
        safe = harmless.csv_safe(text)
        read = next(csv.reader(io.StringIO(f'"{safe.replace(chr(34), chr(34) * 2)}"', newline="")))[0]
        assert read[:1] not in ("=", "+", "-", "@", "|", "\t", "\r", "\n", "＝"), name
        assert not re.search(
            "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]", safe
        ), name
        shown = harmless.harmless(text)
        assert shown.isprintable() and len(shown) < 400, name
    for number in ("-12.5", "+3", "-1e-5", "12", "-.5", "-5%"):
        assert harmless.csv_safe(number) == number
    assert harmless.csv_safe(None) == harmless.harmless(None) == "" and harmless.csv_safe("-") == "-"


def test_every_control_character_is_shown_and_none_lost():
    text = "".join(
        map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200B, 0x202E, 0x2066, 0xFEFF, 0xD800, 0xFFFE, 0xE0041])
    )
    shown = harmless.harmless(text, None)
    assert shown.isprintable() and shown.startswith("␀␁␂") and shown.endswith("[U+D800][U+FFFE][U+E0041]")
    assert harmless.harmless("a\nb", keep="\n") == "a\nb"
    assert harmless.harmless("x" * 300) == "x" * 200 + "… (cut; 300 characters)"


# Known again ---------------------------------------------------------------------------------------------------------


def mended(path, change):
    """A workbook as the trust saves it after `change` was made to its first sheet."""
    book = openpyxl.load_workbook(path)
    change(book.worksheets[0])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def mend_and_move(sheet):
    sheet["E4"], sheet["D5"], sheet["B7"], sheet["K8"] = 108, 130, "2025-06", 216
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    for line, row in enumerate(reversed(rows), 2):
        for column, value in enumerate(row, 1):
            sheet.cell(line, column).value = value


def test_a_return_made_from_the_workbook_is_accepted_known_and_compared(tmp_path):
    content = flow.workforce(change=faulty)
    path, old = made(tmp_path, content)
    back = mended(path, mend_and_move)
    new = flow.checked(back, "workforce_RA9_2025-06_v2.xlsx", "workforce")
    assert new.state == "accepted" and new.rows_recorded == 10
    answer = manifest.answered(back)
    assert (answer.submission_id, answer.collection, answer.period, answer.sender) == (
        "s1",
        "workforce",
        "2025-06",
        "RA9",
    )
    assert answer.sha256 == hashlib.sha256(content).hexdigest() and answer.lines["line"].to_list() == list(range(2, 12))
    assert answer.lines["row_key"][0] == "RA9|2025-06|hchs_doctors"
    made_of = compare.compare(old.reading, old.findings, new.reading, new.findings)
    assert sorted(made_of.fixed["rule_id"]) == sorted(old.findings["rule_id"])
    assert made_of.still.height == made_of.new.height == made_of.added.height == made_of.removed.height == 0
    assert made_of.unasked.height == 0 and made_of.moved == 9
    assert sorted(made_of.changed.select("column_name", "before", "after").rows()) == [
        ("fte", "12.000,5", "108"), ("fte_days_lost", "99999999", "216"), ("headcount", "many", "130"), ("period", "", "2025-06"),
    ]  # fmt: skip


def rewritten(path, sheet, change):
    book = openpyxl.load_workbook(path)
    change(book[sheet])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_manifest_that_was_changed_is_not_believed(tmp_path):
    path, _ = made(tmp_path, flow.workforce(change=faulty))

    def other(sheet):
        sheet["A3"] = sheet["A3"].value.replace("s1", "s2")

    def shorter(sheet):
        sheet["A5"] = sheet["A5"].value.replace("[2,", "[3,")

    for change in (other, shorter):
        content = rewritten(path, manifest.SHEET, change)
        assert manifest.of(content).intact is False
        assert manifest.answered(content) is None
    assert manifest.answered(rewritten(path, "return", lambda sheet: None)).submission_id == "s1"


def test_files_that_are_no_answer(tmp_path):
    path, _ = made(tmp_path, flow.workforce())
    for content in (b"", b"PK\x03\x04", flow.workforce(), sent_book(), path.read_bytes()[:-200]):
        assert manifest.answered(content) is None
    for junk in ("not json", "[]", '{"submission_id": 1}', "null"):
        content = rewritten(path, manifest.SHEET, lambda sheet, junk=junk: sheet.__setitem__("A3", junk))
        assert manifest.answered(content) is None
    for junk in ("x", "[[1]]", '{"table": 0, "lines": [[1]]}', '{"table": "x", "lines": [["a", 1, 2]]}', "[" * 5000):
        content = rewritten(path, manifest.SHEET, lambda sheet, junk=junk: sheet.__setitem__("A5", junk))
        assert manifest.answered(content) is None


def test_a_bomb_is_not_unpacked(tmp_path):
    path, _ = made(tmp_path, flow.workforce())
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        with new.open("xl/worksheets/sheet9.xml", "w", force_zip64=True) as part:
            for _ in range(300):
                part.write(b" " * (1 << 20))
    assert len(out.getvalue()) < 1 << 20
    assert manifest.answered(out.getvalue()) is None


def test_keys_of_any_letters_fit_into_the_manifest(tmp_path):
    header, line = flow.workforce().decode().splitlines()[:2]
    lines = [line.replace("hchs_doctors", f"_x0041_{'😀' * 300}{n}") for n in range(200)]
    path, _ = made(tmp_path, "\n".join([header, *lines]).encode())
    answer = manifest.answered(path.read_bytes())
    assert answer.lines.height == 200 and answer.lines["row_key"][0].startswith("RA9|2025-06|_x0041_😀")
    assert answer.lines["row_hash"].n_unique() == 200
    assert max(len(row[0]) for row in cells(path, manifest.SHEET)) < harmless.MOST_IN_CELL


# Many ----------------------------------------------------------------------------------------------------------------

MANY_FINDINGS = size(6_000, 50_000)
MANY = r"""
import re, sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[2]]
import flow
from trust_benchmarks.stewardship import workbook
from trust_benchmarks.stewardship.submitted_file import Submission
row = flow.workforce_rows()[0]
rows = [row | {"staff_group": f"group {n}", "headcount": "90"} for n in range(int(sys.argv[3]))]
content = flow.text(rows)
found = flow.checked(content, "workforce_RA9_2025-06_v1.csv", "workforce").findings
found = found.filter(found["rule_id"] == "VAL-LIST")
assert found.height == int(sys.argv[3])
start = time.monotonic()
about = Submission(submission_id="s", sha256="x", collection="workforce", file_name="workforce_RA9_2025-06_v1.csv")
workbook.build_from(content, about, found, Path(sys.argv[1]))
peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024  # not what our parent held
print(time.monotonic() - start, peak)
"""


def test_very_many_findings_are_all_listed_in_bounded_memory(tmp_path):
    path = tmp_path / "many.xlsx"
    command = [sys.executable, "-c", MANY, str(path), str(flow.__file__).rpartition("/")[0], str(MANY_FINDINGS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    seconds, megabytes = map(float, done.stdout.split())
    assert megabytes < 1024 and seconds < 120, done.stdout
    rows = cells(path, "Findings")
    assert [row[0] for row in rows if isinstance(row[0], float)] == list(range(1, MANY_FINDINGS + 1))
    assert rows[-1][1] == f"return!C{MANY_FINDINGS + 1}"
    assert manifest.answered(path.read_bytes()).lines.height == MANY_FINDINGS
    with zipfile.ZipFile(path) as archive:
        assert archive.read("xl/worksheets/sheet2.xml").count(b"<hyperlink ") == MANY_FINDINGS
        assert archive.read("xl/comments1.xml").count(b"<comment ") == workbook.NOTES
