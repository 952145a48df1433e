"""The readers of the publishers' files: every layout they come in, and everything that is not one of them."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trust_benchmarks import reference
from trust_benchmarks.reference import ReferenceDataError
from trust_benchmarks.sources import reference_files as ods

AS_AT = date(2025, 12, 31)


def cells(width=27, code="RYV", name="MADE UP COMMUNITY NHS TRUST", opened="20100401", closed="", amended="0"):
    row = [""] * width
    row[0:4] = [code, name, "Y61", "QUE"]
    row[4:10] = ["1 HIGH STREET", "FLOOR 2", "", "TOWN", "COUNTY", "AB1 2CD"]
    row[10], row[11], row[17], row[21], row[23] = opened, closed, "01234 567890", amended, "G"
    return row


def file(*rows, quoted=True, end="\r\n"):
    mark = '"' if quoted else ""
    return "".join(",".join(f"{mark}{cell}{mark}" for cell in row) + end for row in rows).encode()


@pytest.mark.parametrize("width", [24, 27])
@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_layout_reads_the_same(width, quoted, end, mark):
    content = mark + file(cells(width), cells(width, "G6V2S", closed="20241031", amended="1"), quoted=quoted, end=end)
    assert ods.read_etr(content) == [
        {
            "code": "RYV",
            "name": "MADE UP COMMUNITY NHS TRUST",
            "region_code": "Y61",
            "icb_code": "QUE",
            "open": date(2010, 4, 1),
            "close": None,
            "amended": False,
        },
        {
            "code": "G6V2S",
            "name": "MADE UP COMMUNITY NHS TRUST",
            "region_code": "Y61",
            "icb_code": "QUE",
            "open": date(2010, 4, 1),
            "close": date(2024, 10, 31),
            "amended": True,
        },
    ]


def test_a_file_without_a_last_line_end_and_with_blank_lines():
    assert len(ods.read_etr(b"\n" + file(cells()) + b"\r\n\r\n" + file(cells(code="RY3")).rstrip())) == 2


def test_no_contact_details_are_kept():
    text = str(ods.read_etr(file(cells())))
    for kept_out in ("HIGH STREET", "AB1 2CD", "01234", "TOWN", "COUNTY"):
        assert kept_out not in text


@pytest.mark.parametrize(
    ("name", "rows", "closed"),
    [("etr_2021_24col.csv", 227, 4), ("etr_2022-03_27col.csv", 218, 6), ("etr_2025-12_27col.csv", 273, 68)],
)
def test_the_real_files(shared_data, name, rows, closed):
    found = ods.read_etr((shared_data / "ods" / name).read_bytes())
    assert (len(found), sum(row["close"] is not None for row in found)) == (rows, closed)
    assert {len(row) for row in found} == {7}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "The trusts file is empty"),
        (b"\r\n\r\n", "The trusts file is empty"),
        (file(cells(25)), "Line 1 of the trusts file has 25 columns; expected 24 or 27."),
        (file(cells(27), cells(24, "RY3")), "Line 2 of the trusts file has 24 columns; expected 27."),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "has 1 columns; expected 24 or 27"),
        (file(cells(code="rye")), "Line 1: the code is 'rye'; expected three or five capital letters"),
        (file(cells(code="RYV01X")), "the code is 'RYV01X'"),
        (file(cells(code="RÝV")), "the code is 'RÝV'"),
        (file(cells(code="")), "the code is ''"),
        (file(cells(), cells()), "Line 2: RYV is there already, on line 1"),
        (file(cells(name="")), "Line 1: the name is ''"),
        (file(cells(name="=cmd|' /C calc'!A0")), "Line 1: the name is "),
        (file(cells(name="<script>alert(1)</script>")), "Line 1: the name is "),
        (file(cells(name="A" * 201)), "expected a name of up to 200 plain characters"),
        (file(cells(opened="2010-04-01")), "the opening date is '2010-04-01'; expected eight digits"),
        (file(cells(opened="20100231")), "the opening date is '20100231'"),
        (file(cells(opened="00000000")), "the opening date is '00000000'"),
        (file(cells(opened="２０１００４０１")), "the opening date is "),
        (file(cells(), cells(code="RY3", closed="1 Nov 2024")), "Line 2: the closing date is '1 Nov 2024'"),
        (file(cells(closed="20090101")), "RYV closed on 2009-01-01, before it opened on 2010-04-01"),
        (file(cells(amended="yes")), "the amended flag is 'yes'; expected 0 or 1"),
        (file(cells()).decode().encode("utf-16"), "Line 1 of the trusts file is not UTF-8"),
        (
            file(cells(), cells(code="RY3", name="CAF")).replace(b"CAF", b"CAF\xc9"),
            "Line 2 of the trusts file is not UTF-8",
        ),
        (file(cells(), cells(code="RY3")) + b"\0", "Line 3 of the trusts file has a null character"),
        (b'"RYV","never ended\n', "Line 1 of the trusts file is not CSV"),
        (b"PK\x03\x04" + b"\xff" * 40, "is not UTF-8"),
        (b"A" * 200_000, "Line 1 of the trusts file"),
    ],
)
def test_what_is_no_trusts_file_is_an_error_in_words(content, expected):
    with pytest.raises(ReferenceDataError) as error:
        ods.read_etr(content)
    assert expected in str(error.value)
    assert len(str(error.value)) < 400


def test_a_file_far_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(ods, "LARGEST", 100)
    with pytest.raises(ReferenceDataError, match="expected at most 100"):
        ods.read_etr(file(cells()))


@settings(max_examples=200)
@given(
    st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_any_bytes_give_rows_or_an_error_in_words(content):
    for read in (ods.read_etr, ods.read_successions, ods.read_bank_holidays):
        try:
            assert read(content)
        except ReferenceDataError as error:
            assert str(error).endswith(".")


def test_successions_in_both_layouts():
    expected = [{"from_code": "RRP", "to_code": "G6V2S", "legal_date": date(2024, 11, 1)}]
    assert ods.read_successions(b"RRP,G6V2S,R,20241101,0\n") == expected
    assert ods.read_successions(b"old_code,new_code,date\nRRP,G6V2S,20241101\n") == expected
    assert ods.read_successions(b'"RRP","G6V2S","R","20241101",""\r\n') == expected


def test_the_real_successions(shared_data):
    rows = ods.read_successions((shared_data / "ods" / "ods_succession_2022_derived.csv").read_bytes())
    assert len(rows) == 25_481
    pennine = sorted(row["to_code"] for row in rows if row["from_code"] == "RW6")
    assert pennine == ["R0A", "RM3"]
    assert max(row["legal_date"] for row in rows) == date(2021, 10, 1)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "The successions file is empty"),
        (b"old_code,new_code,date\n", "headings but no rows"),
        (b"a,b,c\nRRP,G6V2S,20241101\n", "Line 1: the headings are 'a,b,c'"),
        (b"RRP,G6V2S,20241101\n", "Line 1: the headings are"),
        (b"RRP,G6V2S,R,,0\n", "Line 1: the date is empty"),
        (b"RRP,G6V2S,R,20241301,0\n", "Line 1: the date is '20241301'"),
        (b"RRP,g6v2s,R,20241101,0\n", "Line 1: the code is 'g6v2s'"),
        (b"RRP,G6V2S,R,20241101\n", "Line 1 of the successions file has 4 columns; expected 3 or 5"),
        (b"RRP,G6V2S,R,20241101,0\nRRP,G6V2S,20241101\n", "Line 2 of the successions file has 3 columns; expected 5"),
    ],
)
def test_what_is_no_successions_file_is_an_error_in_words(content, expected):
    with pytest.raises(ReferenceDataError) as error:
        ods.read_successions(content)
    assert expected in str(error.value)


def feed(*events, division="england-and-wales"):
    return json.dumps({division: {"division": division, "events": list(events)}}).encode()


def test_bank_holidays_come_in_order_of_date():
    found = ods.read_bank_holidays(
        feed({"title": "Boxing Day", "date": "2026-12-28"}, {"title": "New Year’s Day", "date": "2026-01-01"})
    )
    assert [(h.date, h.title) for h in found] == [
        (date(2026, 1, 1), "New Year's Day"),
        (date(2026, 12, 28), "Boxing Day"),
    ]


def test_another_division(shared_data):
    content = (shared_data / "calendar" / "bank_holidays_uk_2024-2027.json").read_bytes()
    assert len(ods.read_bank_holidays(content, "scotland")) == 36


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is not JSON (line 1"),
        (b"<html>", "is not JSON"),
        (b"\xff\xfe{", "is not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[]", "no events for 'england-and-wales'"),
        (b"null", "no events for"),
        (feed({"title": "x", "date": "2026-01-01"}, division="france"), "no events for 'england-and-wales'"),
        (feed(), "no events for"),
        (b'{"england-and-wales": {"events": {"a": 1}}}', "no events for"),
        (feed("Christmas"), "Event 1 of 'england-and-wales' has title 'None'"),
        (feed({"title": 5, "date": "2026-01-01"}), "has title '5'"),
        (feed({"title": "Day", "date": "01/02/2026"}), "Event 1 (Day) has date '01/02/2026'"),
        (feed({"title": "Day", "date": "2026-02-30"}), "which is not in the calendar"),
        (feed({"title": "Day", "date": None}), "has date 'None'"),
        (feed({"title": "A", "date": "2026-01-01"}, {"title": "B", "date": "2026-01-01"}), "is there already, as A"),
    ],
)
def test_what_is_no_holiday_feed_is_an_error_in_words(content, expected):
    with pytest.raises(ReferenceDataError) as error:
        ods.read_bank_holidays(content)
    assert expected in str(error.value)


def row_of(code, **other):
    provider = reference.load().provider(code)
    row = {"code": code, "name": provider.name.upper(), "region_code": "", "icb_code": "", "amended": False}
    return {**row, "open": provider.open_from, "close": provider.open_to, **other}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (row_of("RYX"), []),
        (row_of("RYX", name="THE CENTRAL LONDON COMMUNITY HEALTHCARE N.H.S. TRUST"), []),
        (row_of("RYX", name="LONDON COMMUNITY NHS TRUST"), [("renamed", "RYX")]),
        (row_of("RYX", close=date(2025, 9, 30)), [("closed", "RYX")]),
        (row_of("RRP", close=None), [("reopened", "RRP")]),
        (row_of("RYV", close=None), []),
        (row_of("RYX", open=date(2011, 1, 1)), [("opened", "RYX")]),
        ({**row_of("RYX"), "code": "ZZ9", "name": "NEW NHS TRUST"}, [("new", "ZZ9")]),
    ],
)
def test_proposals(row, expected):
    tables = reference.load()
    before = replace(tables)
    found = ods.propose(tables, [row], AS_AT)
    assert [(change.kind, change.code) for change in found] == expected
    assert tables == before
    for change in found:
        assert change.code in change.sentence and change.sentence.endswith(".")


def test_proposals_come_in_order_of_code_and_care_trusts_are_not_missed():
    rows = [row_of("RYX", name="B NHS TRUST"), row_of("R0A", name="A NHS TRUST")]
    assert [change.code for change in ods.propose(reference.load(), rows, AS_AT)] == ["R0A", "RYX"]
    assert ods.propose(reference.load(), [], AS_AT) == []
