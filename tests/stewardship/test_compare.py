"""Two versions of a return compared, whatever was moved, and the file of a submission shown line by line."""

import io
import time

import flow
import hostile
import polars as pl
import pytest
import xlsxwriter
from trust_benchmarks.reading import findings, harmless
from trust_benchmarks.stewardship import submitted_file
from trust_benchmarks.stewardship.compare import compare

NAME = "workforce_RA9_2025-06_v{}.csv"
CHANGED = ("row_key", "column_name", "line_before", "line", "before", "after", "asked")


def version(number, change=lambda rows: None):
    return flow.checked(flow.workforce(change=change), NAME.format(number), "workforce")


def compared(old, new):
    return compare(old.reading, old.findings, new.reading, new.findings)


def kinds(findings):
    return sorted(findings.select("rule_id", "column_name", "line").rows(), key=str)


def as_book(text, to_value=lambda cell: cell):
    """A CSV text as a workbook with its table on a sheet of another name."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("June")
    for row, line in enumerate(text.decode().splitlines()):
        for column, cell in enumerate(line.split(",")):
            sheet.write(row, column, to_value(cell))
    book.close()
    return out.getvalue()


def test_fixed_still_new_and_unasked():
    def first(rows):
        rows[2]["fte"], rows[3]["headcount"], rows[5]["period"], rows[6]["fte_days_lost"] = (
            "12,0",
            "many",
            "",
            "99999999",
        )
        rows[8]["role_count"] = "1"

    def second(rows):
        rows[3]["headcount"] = "few"  # another text, and the same rule is broken
        rows[7]["leavers_hc"] = "x"
        rows[0]["agency_fte"] = "7"
        rows[1]["bank_fte"] = "1.50"  # written otherwise, the same number
        rows[8]["headcount"] = "181"  # the rule about role_count spoke of it too
        rows[8]["bank_pay_gbp"] = "1"
        rows.reverse()

    made = compared(version(1, first), version(2, second))
    assert kinds(made.fixed.filter(pl.col("line").is_not_null())) == [
        ("VAL-MISSING", "period", 7), ("VAL-TYPE", "fte", 4), ("WF-R3", "role_count", 10), ("WF-R4", "fte_days_lost", 8),
    ]  # fmt: skip
    assert not made.fixed["row_gone"].any()
    lines = made.still.filter(pl.col("line").is_not_null())
    assert lines.select("rule_id", "line", "line_before", "raw_value", "before").rows() == [
        ("VAL-TYPE", 8, 5, "few", "many")
    ]
    assert made.still.filter(pl.col("line").is_null())["rule_id"].to_list() == ["CEILING"]
    assert kinds(made.new) == [("VAL-TYPE", "leavers_hc", 4)]
    key = "RA9|2025-06|{}".format
    assert made.changed.select(CHANGED).rows() == [
        (key("managers"), "headcount", 10, 3, "180", "181", True),
        (key("managers"), "role_count", 10, 3, "1", "181", True),
        (key("managers"), "bank_pay_gbp", 10, 3, "4000", "1", False),
        (key("senior_managers"), "leavers_hc", 9, 4, "1", "x", False),
        (key("hotel_property_estates"), "fte_days_lost", 8, 5, "99999999", "216.0", True),
        (key("central_functions"), "period", 7, 6, "", "2025-06", True),
        (key("scientific_therapeutic_technical"), "headcount", 5, 8, "many", "few", True),
        (key("midwives"), "fte", 4, 9, "12,0", "108.0", True),
        (key("hchs_doctors"), "agency_fte", 2, 11, "0.5", "7", False),
    ]
    assert made.unasked["column_name"].to_list() == ["bank_pay_gbp", "leavers_hc", "agency_fte"]
    assert (made.added.height, made.removed.height, made.moved) == (0, 0, 9)


def test_the_same_file_has_no_differences():
    one = version(1, lambda rows: rows[3].update(headcount="many"))
    made = compared(one, one)
    assert made.changed.height == made.fixed.height == made.new.height == made.moved == 0
    assert made.still.height == one.findings.height


@pytest.mark.parametrize(
    ("field", "before", "after", "same"),
    [
        ("fte", "90", "90.0", True), ("fte", "90.0", " 90 ", True), ("fte", "9e1", "90", True), ("fte", "1200", "1,200", False),
        ("fte", "0.1", "0.10000001", False), ("headcount", "9007199254740993", "9007199254740992", False),
        ("headcount", "12", "12.0", True), ("fte", "", "0", False), ("fte", "n/a", "N/A", False), ("fte", "nan", "nan", True),
        ("staff_group", "007", "7", False), ("staff_group", "1E5", "100000", False), ("staff_group", "other", "Other", False),
    ],
)  # fmt: skip
def test_a_number_written_otherwise_is_no_change(field, before, after, same):
    made = compared(
        version(1, lambda rows: rows[9].update({field: before})),
        version(2, lambda rows: rows[9].update({field: after})),
    )
    assert made.changed.select("before", "after").rows() == ([] if same else [(before, after)])


def test_dates_and_yes_or_no_written_otherwise_are_no_change():
    row = {
        "ods_code": "RA9",
        "period": "2025-06",
        "po_number": "1",
        "order_date": "2025-06-03",
        "national_contract": "Yes",
        "quantity": "1",
    }
    names = list(flow.checked(b"x", "a.csv", "procurement_prices").records.columns)[4:]
    one, other = (
        flow.checked(flow.text([dict.fromkeys(names, "") | row | more]), "procurement_prices_RA9_2025-06.csv", "procurement_prices")
        for more in ({}, {"national_contract": "TRUE", "order_date": " 2025-06-03", "quantity": "1.0"})
    )  # fmt: skip
    assert one.reading.tables and compared(one, other).changed.height == 0


def test_rows_added_and_taken_out_are_told_and_their_findings_with_them():
    def first(rows):
        rows[4]["headcount"] = "x"

    def second(rows):
        rows[4] |= {
            "staff_group": "volunteers",
            "headcount": "3",
            "fte": "y",
            "joiners_hc": "9",
            "leavers_hc": "8",
            "role_count": "77",
        }
        rows[4] |= dict.fromkeys(
            (
                "fte_days_available",
                "fte_days_lost",
                "bank_fte",
                "agency_fte",
                "substantive_pay_gbp",
                "establishment_fte",
            ),
            "5",
        )
        rows[4] |= {"bank_pay_gbp": "6", "agency_pay_gbp": "6"}

    made = compared(version(1, first), version(2, second))
    assert made.removed.rows() == [("RA9|2025-06|support_to_clinical", None, 6)]
    assert made.added.rows() == [("RA9|2025-06|volunteers", None, 6)]
    assert made.changed.height == 0
    assert made.fixed.filter("row_gone").select("rule_id", "line").rows() == [("VAL-TYPE", 6)]
    assert ("VAL-TYPE", "fte", 6) in kinds(made.new) and ("VAL-TYPE", "headcount", 6) not in kinds(made.still)


def test_a_row_whose_key_was_mended_is_the_same_row():
    def first(rows):
        rows[4]["staff_group"] = "suport"
        rows[8]["staff_group"] = rows[7]["staff_group"]  # the same key twice

    made = compared(version(1, first), version(2))
    assert made.added.height == made.removed.height == 0
    assert made.changed.select("column_name", "line", "before", "after", "asked").rows() == [
        ("staff_group", 6, "suport", "support_to_clinical", True),
        ("staff_group", 10, "senior_managers", "managers", True),
    ]
    assert made.still.height == made.new.height == 0


def test_rows_without_any_key_are_known_by_what_they_say():
    def no_keys(order):
        def change(rows):
            for row in rows:
                row |= {"ods_code": "", "period": "", "staff_group": ""}
            rows[:] = [rows[at] for at in order]

        return change

    made = compared(version(1, no_keys(range(10))), version(2, no_keys([9, *range(9)])))
    assert (made.changed.height, made.added.height, made.removed.height, made.moved) == (0, 0, 0, 1)


def test_a_csv_return_answered_by_a_workbook_with_numbers():
    def faulty(rows):
        rows[3]["headcount"] = "many"

    def number(cell):
        return float(cell) if cell.replace(".", "", 1).isdigit() else cell

    old = version(1, faulty)
    content = as_book(flow.workforce(change=lambda rows: rows[3].update(headcount="130")), number)
    new = flow.checked(content, NAME.format(2).replace("csv", "xlsx"), "workforce")
    made = compared(old, new)
    assert new.state == "accepted"
    assert made.changed.select("column_name", "sheet_before", "sheet", "line", "before", "after").rows() == [
        ("headcount", None, "June", 5, "many", "130")
    ]
    assert {"VAL-TYPE", "CEILING"} <= set(made.fixed["rule_id"]) and made.still.height == made.new.height == 0
    # And the other way round, with the fault still there: the sheet is another, the finding the same.
    back = flow.checked(as_book(flow.workforce(change=faulty), number), "workforce_RA9_2025-06_v1.xlsx", "workforce")
    made = compared(back, old)
    assert made.fixed.height == made.new.height == made.changed.height == 0 and made.still.height == old.findings.height


def test_files_that_cannot_be_read_are_compared_by_their_findings():
    torn = flow.checked(b"%PDF-1.7", NAME.format(1), "workforce")
    sound = version(2)
    made = compared(torn, sound)
    assert made.fixed["rule_id"].to_list() == torn.findings["rule_id"].to_list()
    assert (made.added.height, made.removed.height, made.changed.height) == (10, 0, 0)
    made = compared(sound, torn)
    assert made.new["rule_id"].to_list() == torn.findings["rule_id"].to_list() and made.removed.height == 10
    assert compared(torn, torn).still.height == torn.findings.height


def test_when_it_came_and_what_was_decided_is_no_difference():
    one = version(1)
    late = findings.join([findings.one(rule, "x") for rule in ("SUB01", "SUB03", "DEC-RETURN")])
    made = compare(one.reading, late, one.reading, findings.empty())
    assert made.fixed.height == 0


def test_what_a_workbook_cannot_hold_is_no_change_when_it_comes_back():
    fits = {name: text for name, text in hostile.CONTENT.items() if "\n" not in text and "\r" not in text}
    one = version(
        1, lambda rows: [row.update(staff_group=text) for row, text in zip(rows * 4, fits.values(), strict=False)]
    )
    texts = list(fits.values())[-10:]
    old = version(1, lambda rows: [row.update(staff_group=text) for row, text in zip(rows, texts, strict=True)])
    new = version(
        2, lambda rows: [row.update(staff_group=harmless.in_cell(text)) for row, text in zip(rows, texts, strict=True)]
    )
    assert compared(old, new).changed.height == 0 and one.reading.tables


def test_fifty_thousand_rows_are_compared_quickly():
    row = flow.workforce_rows()[0]
    before = [row | {"staff_group": f"group {n}", "headcount": "90"} for n in range(50_000)]
    after = [one | {"fte": "91"} if n % 100 == 0 else one for n, one in enumerate(before)][::-1]
    old, new = (flow.checked(flow.text(lines), NAME.format(1), "workforce") for lines in (before, after))
    assert old.findings.height >= 50_000
    start = time.monotonic()
    made = compared(old, new)
    assert time.monotonic() - start < 5
    assert made.unasked.height == 500 and made.still.filter(pl.col("rule_id") == "VAL-LIST").height == 50_000


# The lines around a place --------------------------------------------------------------------------------------------


def test_lines_around_a_place_are_plain_text():
    content = flow.workforce(change=lambda rows: rows[3].update(headcount="a\u202eb\x07"))
    reading = submitted_file.as_sent(content, NAME.format(1), "workforce")
    middle, first, header, nothing = submitted_file.lines_around(
        reading, [(None, 5, "headcount"), (None, 2, "fte"), (None, 1, None), (None, None, "fte")]
    )
    assert [line for line, _ in middle.lines] == [4, 5, 6] and middle.headings[middle.at] == "headcount"
    assert middle.lines[1][1][:4] == ["RA9", "2025-06", "scientific_therapeutic_technical", "a[U+202E]b␇"]
    assert [line for line, _ in first.lines] == [2, 3]
    assert [line for line, _ in header.lines] == [2] and header.at is None
    assert nothing is None
    unread = submitted_file.as_sent(b"%PDF-1.7", NAME.format(1), "workforce")
    assert submitted_file.lines_around(unread, [(None, 5, "headcount"), ("x", 1, None)]) == [None, None]


def test_readings_are_kept_up_to_a_bound(monkeypatch):
    submitted_file._kept.clear()
    contents = [flow.workforce(scale=scale) for scale in (1, 2, 3)]
    kept = [submitted_file.as_sent(content, NAME.format(1), "workforce") for content in contents]
    assert submitted_file.as_sent(contents[0], NAME.format(1), "workforce") is kept[0]
    (size,) = {size for _, size in list(submitted_file._kept.values())[:1]}
    monkeypatch.setattr(submitted_file, "MOST_KEPT", int(2.5 * size))
    submitted_file.as_sent(contents[1], "workforce_RA9_2025-06_v7.csv", "workforce")
    assert len(submitted_file._kept) == 2  # the oldest went
    assert submitted_file.as_sent(contents[0], NAME.format(1), "workforce") is kept[0]  # asked for last but two
    monkeypatch.setattr(submitted_file, "MOST_KEPT", 10)
    submitted_file._kept.clear()
    submitted_file.as_sent(contents[1], NAME.format(1), "workforce")
    assert not submitted_file._kept
