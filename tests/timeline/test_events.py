"""Files of events: every cell that does not fit is a finding with its place and what was expected; dates keep their precision. Made up."""

import csv
import io
from datetime import date

import openpyxl
import pytest
from trust_benchmarks import reference
from trust_benchmarks.timeline import event_checks, events

GOOD = {
    "date": "2018-09-12", "date_precision": "day", "kind": "visit", "status": "actual", "provider": "RY8",
    "summary": "A visit.", "source": "made up", "confidence": "high",
}  # fmt: skip


def file_of(*rows: dict, names=tuple(event_checks.FIELDS)) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def found(content: bytes, name: str = "events.csv") -> list[tuple]:
    return events.read(content, name).findings.select("rule_id", "line", "column_name").rows()


def test_a_sound_file_has_no_findings():
    checked = events.read(file_of(GOOD, GOOD | {"provider": "", "kind": "letter"}), "events.csv")
    assert checked.findings.height == 0
    assert [one["provider_code"] for one in checked.events] == ["RY8", None]
    assert checked.events[0]["occurred_from"] == "2018-09-12"


@pytest.mark.parametrize(
    ("change", "rule", "column", "says"),
    [
        ({"date": ""}, "VAL-MISSING", "date", "is missing"),
        ({"date": "12 Sept"}, "VAL-TYPE", "date", "a day such as 2018-09-12"),
        ({"date": "2018-02-30"}, "VAL-TYPE", "date", "a day such as"),
        ({"date": "2018-09"}, "VAL-TYPE", "date", "a day such as"),
        ({"date": "2018-13", "date_precision": "month"}, "VAL-TYPE", "date", "a month such as 2018-09"),
        ({"date": "2018-Q3", "date_precision": "quarter"}, "VAL-TYPE", "date", "the first day of the quarter"),
        ({"date": "winter 2018", "date_precision": "season"}, "VAL-TYPE", "date", "its first day such as 2018-12-01"),
        ({"date": "1066-10-14"}, "EVT-DATE", "date", "too far from the programme"),
        ({"date": "2099-01-01"}, "EVT-DATE", "date", "too far from the programme"),
        ({"date": "2018-09-12", "date_end": "2018-09-11"}, "EVT-DATE", "date_end", "is before the first"),
        ({"date_end": "later"}, "VAL-TYPE", "date_end", "a date such as"),
        ({"date_precision": "hour"}, "VAL-TYPE", "date_precision", "one of day, week, month"),
        ({"kind": "party"}, "VAL-TYPE", "kind", "board_report"),
        ({"kind": "board_report"}, "EVT-BOARD", "recommendation", "from 1 to 16"),
        ({"kind": "board_report", "provider": "", "recommendation": "9"}, "EVT-BOARD", "provider", "such as RY8"),
        ({"status": "perhaps"}, "VAL-TYPE", "status", "one of actual"),
        ({"provider": "ZZZ"}, "EVT-TRUST", "provider", "ODS code"),
        ({"collection": "nonsense"}, "EVT-RETURN", "collection", "workforce"),
        ({"period": "2025-06"}, "EVT-RETURN", "period", "Enter the collection"),
        ({"collection": "workforce", "period": "June"}, "VAL-TYPE", "period", "2025-06"),
        ({"recommendation": "17"}, "VAL-TYPE", "recommendation", "1 to 16"),
        ({"recommendation": "1, 5"}, "VAL-TYPE", "recommendation", "row for each"),
        ({"recommendation": "٩"}, "VAL-TYPE", "recommendation", "1 to 16"),
        ({"summary": "x" * 501}, "EVT-LONG", "summary", "limit is 500"),
        ({"summary": "Ask jo.bloggs@example.org"}, "EVT-CONTACT", "summary", "a role"),
        ({"actor": "Ring 0161 496 0000"}, "EVT-CONTACT", "actor", "a role"),
        ({"audience": "+44 20 7946 0000"}, "EVT-CONTACT", "audience", "a role"),
        ({"source": "(020) 7946-0000"}, "EVT-CONTACT", "source", "a role"),
        ({"source": ""}, "VAL-MISSING", "source", "Source of the information"),
        ({"confidence": "sure"}, "VAL-TYPE", "confidence", "high, medium, low"),
        ({"fulfils": "the plan"}, "EVT-FULFILS", "fulfils", "EV030"),
        ({"fulfils": "EV025"}, "EVT-FULFILS", "fulfils", "not a plan or deadline"),
        ({"fulfils": "EV044", "status": "planned"}, "EVT-FULFILS", "fulfils", "Only something that happened"),
    ],
)  # fmt: skip
def test_a_cell_that_does_not_fit(change, rule, column, says):
    findings = events.read(file_of(GOOD, GOOD | {"summary": "Another."} | change), "events.csv").findings
    assert findings.select("rule_id", "line", "column_name").rows() == [(rule, 3, column)]
    assert says in findings["message"][0]
    assert findings["raw_value"][0] == (change.get(column, GOOD.get(column, "")) or "")[:500]


def test_what_is_not_yet_has_not_happened():
    soon = date(date.today().year + 2, 1, 1).isoformat()
    assert found(file_of(GOOD | {"date": soon})) == [("EVT-FUTURE", 2, "date")]
    assert found(file_of(GOOD | {"date": soon, "status": "planned"})) == []


def test_every_fault_of_every_row_is_told():
    assert found(file_of(GOOD | {"kind": "", "source": "", "provider": "ZZZ"}, GOOD, GOOD)) == [
        ("VAL-MISSING", 2, "kind"), ("VAL-MISSING", 2, "source"), ("EVT-TRUST", 2, "provider"), ("EVT-REPEAT", 4, "summary"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "name", "rules"),
    [
        (b"", "events.csv", ["FIL-EMPTY"]),
        (file_of(), "events.csv", ["FIL-EMPTY"]),
        (file_of(GOOD, names=("date", "kind")), "events.csv", ["STR01"]),
        (file_of(GOOD, names=(*event_checks.FIELDS, "telephone")), "events.csv", ["STR01"]),
        (file_of(GOOD, names=(*event_checks.FIELDS, "kind")), "events.csv", ["STR01"]),
        (file_of(GOOD).replace(b"made up", b"made, up"), "events.csv", ["STR02"]),
        (file_of(GOOD).replace(b"A visit.", b'"A visit.'), "events.csv", ["STR02"]),
        (file_of(GOOD).replace(b"A visit.", b"caf\x81"), "events.csv", ["STR02"]),
        (b"PK\x03\x04 not a workbook", "events.xlsx", ["FIL-DAMAGED"]),
        (b"%PDF-1.7 of a visit", "events.csv", ["FIL-KIND"]),
    ],
)
def test_a_file_that_is_none(content, name, rules):
    findings = events.read(content, name).findings
    assert [rule for rule in findings["rule_id"] if not rule.startswith(("VAL", "EVT"))] == rules
    assert all(findings["message"].str.len_chars() > 30)


def test_a_workbook_and_a_spreadsheets_csv_are_read_alike(tmp_path):
    book = openpyxl.Workbook()
    book.active.append([f" {name.upper()} " for name in event_checks.FIELDS])
    book.active.append([date(2018, 9, 12) if name == "date" else GOOD.get(name, "") for name in event_checks.FIELDS])
    book.save(tmp_path / "events.xlsx")
    from_book = events.read((tmp_path / "events.xlsx").read_bytes(), "events.xlsx")
    from_csv = events.read(b"\xef\xbb\xbf" + file_of(GOOD).replace(b"\n", b"\r\n"), "events.csv")
    assert from_book.findings.height == from_csv.findings.height == 0
    assert from_book.events == from_csv.events


@pytest.mark.parametrize(
    ("text", "precision", "first", "last"),
    [
        ("2018-09-12", "day", "2018-09-12", None),
        ("2018-09", "month", "2018-09-01", None),
        ("2018-10-01", "quarter", "2018-10-01", None),
        ("autumn 2017", "season", "2017-09-01", "2017-11-30"),
        ("Summer 2017", "season", "2017-06-01", "2017-08-31"),
        ("2018", "year", "2018-01-01", "2018-12-31"),
        ("2018-19", "year", "2018-04-01", "2019-03-31"),
        ("1999-00", "year", "1999-04-01", "2000-03-31"),
    ],
)
def test_a_date_is_as_exact_as_it_is_written(text, precision, first, last):
    assert [one and one.isoformat() for one in event_checks.span(text, precision)] == [first, last]


def test_what_the_programmes_log_holds_is_no_contact_detail():
    """Report numbers, dates and article numbers are not taken for telephone numbers."""
    for event in reference.load().programme_events:
        for text in (event.description, event.source, event.actor, event.audience):
            assert not any(pattern.search(text) for pattern in event_checks.CONTACT), text
    for text in (
        "BM/18/42; HSJ 7021105",
        "2017-02-08 to 2017-08-08",
        "£0.5m of 17,000,000,000",
        "period 2016-17, 09 08 07",
    ):
        assert not any(pattern.search(text) for pattern in event_checks.CONTACT), text
