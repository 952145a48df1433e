"""Reading and validating: each kind of fault is found at its place, none hides another, and every row is accounted for."""

import io
import re
from collections import Counter

import flow
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trust_benchmarks.catalogue import layouts
from trust_benchmarks.reading import read
from trust_benchmarks.schemas.models import Schema
from trust_benchmarks.schemas.rules import Rule
from trust_benchmarks.validation import decisions_applied, validate

NAME = "workforce_RA9_2025-06_v1.csv"


def outcome(content: bytes, name=NAME, collection="workforce") -> validate.Outcome:
    """Reads and validates a file, and checks what holds for any."""
    made = validate.validate(read.read(content, name, collection))
    assert made.rows_read == made.rows_recorded + made.rows_rejected + made.rows_held
    assert made.records.height == made.rows_recorded
    assert (made.state == validate.HELD) == (made.findings["severity"] == "hold").any()
    assert made.findings.columns == list(decisions_applied.COLUMNS)
    assert 0 <= made.cells_valid <= made.cells_expected
    return made


def found(content: bytes, *columns: str, **given_) -> Counter:
    """Findings as a count of (rule, line, column) or of the columns named."""
    return Counter(outcome(content, **given_).findings.select(columns or ("rule_id", "line", "column_name")).rows())


def test_a_sound_return_has_no_finding_and_loses_nothing():
    made = outcome(flow.workforce())
    assert made.findings.height == 0
    assert (made.state, made.rows_read, made.cells_expected, made.cells_valid) == ("accepted", 10, 100, 100)
    sent = pl.read_csv(io.BytesIO(flow.workforce()))
    assert made.records["line"].to_list() == list(range(2, 12))
    assert made.records.select(sent.columns).cast(sent.schema).equals(sent)
    assert set(made.records["provider_code"]) == {"RA9"}


CELLS = {
    "a word in a number": ("fte", "many", "VAL-TYPE"),
    "a point in a whole number": ("headcount", "10.5", "VAL-TYPE"),
    "two points": ("fte", "1.2.3", "VAL-TYPE"),
    "not a number": ("fte", "NaN", "VAL-TYPE"),
    "infinity": ("fte", "inf", "VAL-TYPE"),
    "a date": ("joiners_hc", "2025-06-01", "VAL-TYPE"),
    "another currency": ("substantive_pay_gbp", "$100", "VAL-TYPE"),
    "a currency where people are counted": ("headcount", "£100", "VAL-TYPE"),
    "nothing": ("fte", "", "VAL-MISSING"),
    "blanks": ("fte", "  \u00a0", "VAL-MISSING"),
    "a word for nothing": ("fte", "n/a", "VAL-MISSING"),
    "below nought": ("joiners_hc", "-1", "VAL-RANGE"),
    "not on the list": ("staff_group", "doctors", "VAL-LIST"),
    "a decimal comma": ("fte", "1,23", "VAL-TYPE"),
    "brackets where nothing is below nought": ("headcount", "(12)", "VAL-TYPE"),
    "another trust": ("ods_code", "RHA", "STR04"),
    "no code": ("ods_code", "r a 9", "VAL-FORM"),
    "another month": ("period", "2025-05", "VAL-PERIOD"),
    "no month": ("period", "June", "VAL-FORM"),
}


@pytest.mark.parametrize("case", CELLS)
def test_a_faulty_cell_is_found_at_its_place_as_sent(case):
    column, sent, rule_id = CELLS[case]

    def spoil(rows):
        rows[4][column] = sent

    made = outcome(flow.workforce(change=spoil))
    here = made.findings.filter((pl.col("rule_id") == rule_id) & (pl.col("line") == 6)).to_dicts()
    assert [(f["column_name"], f["raw_value"]) for f in here] == [(column, sent)]
    assert "Expected" in here[0]["message"]
    assert here[0]["responsible"] == "trust"
    elsewhere = made.findings.filter(pl.col("line").is_not_null() & (pl.col("line") != 6))
    assert elsewhere.height == 0
    assert made.state == "held"  # one row in ten is too many for workforce


@pytest.mark.parametrize("sent", ["12", "12.0", "1.2e1", "012", "+12"])
def test_other_spellings_of_a_number_are_that_number(sent):
    def spell(rows):
        rows[0]["joiners_hc"] = sent

    made = outcome(flow.workforce(change=spell))
    assert made.findings.height == 0
    assert made.records["joiners_hc"][0] == 12


def test_many_faults_in_one_row_are_all_found():
    def spoil(rows):
        rows[2] |= {
            "headcount": "-3", "fte": "many", "establishment_fte": "-1", "joiners_hc": "", "leavers_hc": "1.5", "bank_fte": "x",
            "fte_days_available": "-5", "agency_pay_gbp": "NaN", "period": "2025-05",
        }  # fmt: skip

    planted = {
        ("VAL-RANGE", 4, "headcount"), ("VAL-TYPE", 4, "fte"), ("VAL-RANGE", 4, "establishment_fte"),
        ("VAL-MISSING", 4, "joiners_hc"), ("VAL-TYPE", 4, "leavers_hc"), ("VAL-TYPE", 4, "bank_fte"),
        ("VAL-RANGE", 4, "fte_days_available"), ("VAL-TYPE", 4, "agency_pay_gbp"), ("VAL-PERIOD", 4, "period"),
        # what follows: days lost exceed the negative days available; the row is too many
        ("WF-R4", 4, "fte_days_lost"), ("CEILING", None, None),
    }  # fmt: skip
    assert found(flow.workforce(change=spoil)) - Counter({("VAL-UNUSUAL", 4, "headcount"): 1}) == Counter(planted)


def test_many_faults_in_one_file_are_all_found():
    def spoil(rows):
        rows[0]["fte"] = "many"
        rows[1]["fte"] = ""
        rows[1]["joiners_hc"] = "-1"
        rows[2]["staff_group"] = "doctors"
        rows[3]["headcount"] = "1.234,56"
        rows[4]["role_count"] = "1"
        rows[5]["appraisals_due"], rows[5]["appraisals_done"] = "5", "6"
        rows[6]["fte_days_lost"] = "999999"
        rows[7]["ods_code"] = "RHA"
        rows[9]["staff_group"] = rows[8]["staff_group"]

    rules = found(flow.workforce(change=spoil))
    planted = {
        ("VAL-TYPE", 2, "fte"), ("VAL-MISSING", 3, "fte"), ("VAL-RANGE", 3, "joiners_hc"), ("VAL-LIST", 4, "staff_group"),
        ("VAL-TYPE", 5, "headcount"), ("WF-R3", 6, "role_count"), ("WF-PART", 7, "appraisals_done"), ("WF-R4", 8, "fte_days_lost"),
        ("STR04", 9, "ods_code"), ("STR03", 10, "staff_group"), ("STR03", 11, "staff_group"), ("STR05", None, "staff_group"),
        ("CEILING", None, None),
    }  # fmt: skip
    assert planted <= set(rules)
    follow_from_these = {("WF-R8", None, None), ("WF-R2", None, None)}
    assert set(rules) - planted <= follow_from_these, set(rules) - planted
    assert set(rules.values()) == {1}


def test_every_cell_of_a_file_may_be_wrong_and_is_listed():
    def spoil(rows):
        for row in rows:
            row |= dict.fromkeys([n for n in row if n not in ("ods_code", "period", "staff_group")], "?")

    made = outcome(flow.workforce(change=spoil))
    assert Counter(made.findings["rule_id"])["VAL-TYPE"] == 10 * 20
    assert made.cells_valid == 30


def test_findings_come_in_the_order_of_the_file():
    def spoil(rows):
        rows[7]["fte"] = rows[1]["headcount"] = rows[4]["fte_days_lost"] = "?"

    lines = outcome(flow.workforce(change=spoil)).findings["line"].drop_nulls().to_list()
    assert lines == sorted(lines) and {3, 6, 9} <= set(lines)


def test_a_check_that_cannot_run_is_an_error_and_never_passes(monkeypatch):
    schema = validate.schemas.load("workforce")
    broken = Rule("X", "warn", ("fte",), pl.col("no_such_column") > 1, "never")
    monkeypatch.setattr(validate.schemas, "load", lambda _: Schema(**{**vars(schema), "own_rules": [broken]}))
    with pytest.raises(Exception, match=r"no_such_column|could not be checked"):
        validate.validate(read.read(flow.workforce(), NAME, "workforce"))


def test_a_check_that_says_nothing_of_a_row_lets_it_pass():
    def blank(rows):
        for row in rows:
            row["role_count"] = ""  # WF-R3 compares it with headcount

    assert outcome(flow.workforce(change=blank)).findings.height == 0


# Structure ------------------------------------------------------------------------------------------------------


def test_totals_notes_and_blank_rows_are_put_aside_and_told():
    lines = flow.workforce().decode().splitlines()
    commas = "," * lines[0].count(",")
    lines[1:1] = [commas]
    lines += [
        "",
        commas,
        "Total" + commas[:-3] + ",9,9,9",
        "Grand total" + commas,
        "Note: provisional figures, see below" + commas,
    ]
    lines += ["Produced by the workforce team", "* excludes bank staff" + commas]
    made = outcome("\n".join(lines).encode())
    assert (made.state, made.rows_read, made.rows_recorded, made.reading.rows_set_aside) == ("accepted", 10, 10, 5)
    (told,) = made.findings.to_dicts()
    assert (told["rule_id"], told["severity"], told["line"]) == ("ROW-ASIDE", "info", 15)
    assert "lines 15 ('Total'), 16 ('Grand total')" in told["message"]
    assert made.records["line"].to_list() == list(range(3, 13))


def test_a_row_that_only_begins_like_a_total_is_no_total():
    def spoil(rows):
        rows[0]["ods_code"] = "TOTALLY"

    made = outcome(flow.workforce(change=spoil))
    assert made.rows_read == 10
    assert "ROW-ASIDE" not in set(made.findings["rule_id"])


def header(change) -> bytes:
    """A sound return whose rows were changed by name."""
    rows = flow.workforce_rows()
    return flow.text([change(dict(row)) for row in rows])


def test_a_header_that_misses_a_column_names_it():
    def change(row):
        row.pop("fte")
        row.pop("joiners_hc")
        return row

    made = outcome(header(change))
    (finding,) = made.findings.to_dicts()
    assert (finding["rule_id"], finding["severity"], finding["line"]) == ("STR01", "hold", 1)
    assert "missing: 'fte', 'joiners_hc'" in finding["message"]
    assert "not expected" not in finding["message"]
    assert "Expected the headings of template workforce-return-v1: 'ods_code', 'period'" in finding["message"]


def test_a_header_with_a_renamed_and_an_extra_column_names_all():
    def change(row):
        row["whole_time_equivalent"] = row.pop("fte")
        return row | {"comment": "x"}

    (finding,) = outcome(header(change)).findings.to_dicts()
    assert "missing: 'fte'; not expected: 'whole_time_equivalent', 'comment'" in finding["message"]


def test_a_header_of_something_else_is_said_to_be_unknown():
    (finding,) = outcome(b"a,b,c\n1,2,3\n").findings.to_dicts()
    assert "matches no known template: it reads 'a', 'b', 'c'" in finding["message"]


@pytest.mark.parametrize(
    "spell", [str.upper, lambda h: f"  {h} ", lambda h: f'"{h}"', lambda h: h.replace("_", "_")], ids=range(4)
)
def test_headings_are_known_without_regard_to_case_and_blanks(spell):
    first, rest = flow.workforce().decode().split("\n", 1)
    made = outcome((",".join(map(spell, first.split(","))) + "\n" + rest).encode())
    assert (made.state, made.rows_recorded) == ("accepted", 10)


def test_columns_in_another_order_are_found():
    made = outcome(header(lambda row: dict(reversed(row.items()))))
    assert made.findings.height == 0
    assert made.records.drop("line").equals(outcome(flow.workforce()).records.drop("line"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_a_mark_at_the_beginning_change_nothing(end, mark):
    content = mark + flow.workforce().decode().replace("\n", end).encode()
    made = outcome(content)
    assert (made.state, made.findings.height) == ("accepted", 0)
    assert made.records.equals(outcome(flow.workforce()).records)


def test_a_row_of_another_width_is_named_with_its_line():
    lines = flow.workforce().decode().splitlines()
    lines[3] += ",9,extra"
    lines[5] = ",".join(lines[5].split(",")[:9])
    assert found("\n".join(lines).encode(), "rule_id", "line", "scope") == {
        ("STR02", 4, "row"): 1,
        ("STR02", 6, "row"): 1,
    } | {key: 1 for key in found("\n".join(lines).encode(), "rule_id", "line", "scope") if key[0] == "STR05"}


def test_a_number_cut_at_its_thousands_comma_is_told_as_that():
    lines = flow.workforce().decode().splitlines()
    cells = lines[3].split(",")
    cells[3] = "1,234"
    lines[3] = ",".join(cells)
    # The row's last cell was blank, so nothing stands beyond the header: only its length tells that it was shifted.
    finding = outcome("\n".join(lines).encode()).findings.filter(pl.col("rule_id") == "STR02").row(0, named=True)
    assert (finding["line"], finding["column_name"]) == (4, "headcount")
    assert "cut at its thousands comma ('1,234')" in finding["message"]


def test_the_same_return_as_a_workbook_gives_the_same_records():
    import openpyxl

    book = openpyxl.Workbook()
    for number, row in enumerate(flow.workforce_rows()):
        if not number:
            book.active.append(list(row))
        typed = [float(v) if v.replace(".", "").isdigit() else v for v in row.values()]
        book.active.append(typed)
    out = io.BytesIO()
    book.save(out)
    made = outcome(out.getvalue(), NAME.replace("csv", "xlsx"))
    assert made.findings.height == 0
    assert made.records.drop("sheet").equals(outcome(flow.workforce()).records.drop("sheet"))
    assert set(made.records["sheet"]) == {"Sheet"}


IDENTITY = {
    "another month in the name": ("workforce_RA9_2025-05_v1.csv", None, "FIL-PERIOD"),
    "another trust in the name": ("workforce_RHA_2025-06_v1.csv", None, "FIL-SENDER"),
    "a trust that is not known": ("workforce_ZZZ_2025-06_v1.csv", "ZZZ", "STR04"),
    "nothing in the name": ("return.csv", None, None),
}


@pytest.mark.parametrize("case", IDENTITY)
def test_period_and_sender_come_from_content_and_name(case):
    name, ods, rule_id = IDENTITY[case]
    made = outcome(flow.workforce(ods or "RA9"), name)
    if rule_id is None:
        assert (made.state, made.reading.period, made.reading.sender) == ("accepted", "2025-06", "RA9")
    else:
        assert made.state == "held"
        assert rule_id in set(made.findings["rule_id"])


def test_a_trust_that_has_closed_is_pointed_to_its_successor():
    from trust_benchmarks import reference
    from trust_benchmarks.reference import calendar

    known, end = reference.load(), calendar.period_end("2025-06")
    closed = next(p.code for p in known.providers if p.open_to and p.open_to < end and known.final_successors(p.code))
    made = outcome(flow.workforce(closed), f"workforce_{closed}_2025-06_v1.csv")
    finding = made.findings.filter(pl.col("rule_id") == "STR04").row(0, named=True)
    assert f"Its successor is {known.final_successors(closed)[0]}" in finding["message"]


# Any corruption -------------------------------------------------------------------------------------------------

SOUND = flow.workforce()
PIECES = st.sampled_from(
    [b",", b'"', b"\n", b"\r\n", b"\x00", b"\xff", b"Total,", b"-", b"1,000", b"", b"\xef\xbb\xbf", b"n/a"]
)


@settings(max_examples=60, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(SOUND)), st.integers(0, 2) | st.integers(0, 30), PIECES), min_size=1, max_size=4
    )
)
def test_whatever_is_done_to_a_file_every_row_is_accounted_for(edits):
    content = SOUND
    for at, cut, piece in edits:
        content = content[:at] + piece + content[at + cut :]
    made = outcome(content)
    if made.state != "held":
        assert made.reading.period and made.reading.sender == "RA9"
        rows = made.rows_recorded + made.rows_rejected + made.rows_held + made.reading.rows_set_aside
        lines = [line for line in re.split(rb"\r\n|\n|\r", content) if line.strip(b", \xef\xbb\xbf")]
        # Every line that holds anything is a row, but for the headings; a quote may join lines to one row.
        assert rows == len(lines) - 1 or (b'"' in content and 0 < rows < len(lines) - 1)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_faults_in_random_cells_are_found_there_and_nowhere_else(data):
    rows = flow.workforce_rows()
    numbers = ["headcount", "fte", "joiners_hc", "leavers_hc", "fte_days_lost", "bank_fte", "agency_pay_gbp"]
    places = data.draw(st.sets(st.tuples(st.integers(0, 9), st.sampled_from(numbers)), min_size=1, max_size=12))
    for row, column in places:
        rows[row][column] = data.draw(st.sampled_from(["?", "1.2.3", "x1", "12 34", "--1"]))
    made = outcome(flow.text(rows))
    typed = made.findings.filter(pl.col("rule_id") == "VAL-TYPE").select("line", "column_name").rows()
    assert sorted(typed) == sorted((row + 2, column) for row, column in places)


def test_every_collection_has_a_layout_that_is_read():
    from trust_benchmarks import catalogue

    for name in catalogue.all():
        assert layouts.load(name)
        assert outcome(b"x,y\n1,2\n", "x_2025-06.csv", name).state == "held"
