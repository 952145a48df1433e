"""The published sickness absence files: every row accounted for, sums equal to an independent reading, damage refused."""

import csv
import datetime as dt
import math

import pytest

MONTHS = {
    "2024-04": 285, "2024-05": 285, "2024-06": 285, "2024-07": 285, "2024-08": 285, "2024-09": 285, "2024-10": 283,
    "2024-11": 281, "2024-12": 280,
}  # fmt: skip
HEADER = (
    "DATE,NHSE_REGION_CODE,NHSE_REGION_NAME,ICS_CODE,ICS_NAME,ORG_CODE,ORG_NAME,ORG_TYPE,FTE_DAYS_LOST,"
    "FTE_DAYS_AVAILABLE,SICKNESS_ABSENCE_RATE_PERCENT"
)
PROVIDERS = {"Acute", "Ambulance", "Mental Health", "Community Provider Trust"}


def path(month):
    return f"workforce/sickness_absence_{month}.csv"


def made_up_rows(count=60, **changed):
    """Rows of invented organisations (RA0, RA1, ...); `changed` replaces cells of the first one."""
    rows = []
    for n in range(count):
        row = {
            "DATE": "30/06/2025", "NHSE_REGION_CODE": "Y58", "NHSE_REGION_NAME": "South West", "ICS_CODE": "QJK",
            "ICS_NAME": "Devon", "ORG_CODE": f"R{chr(65 + n // 10)}{n % 10}", "ORG_NAME": f"Made-up Trust {n}",
            "ORG_TYPE": "Mental Health", "FTE_DAYS_LOST": "1234.5", "FTE_DAYS_AVAILABLE": "24690",
            "SICKNESS_ABSENCE_RATE_PERCENT": "5",
        }  # fmt: skip
        rows.append(row | (changed if n == 0 else {}))
    return rows


def file_of(rows, header=HEADER):
    return "\n".join([header, *(",".join(row.values()) for row in rows)]) + "\n"


@pytest.mark.parametrize(("month", "rows"), MONTHS.items())
def test_published_month_is_recorded_whole(real, shared_data, month, rows):
    result = real("sickness_absence", path(month))
    reading, outcome = result.reading, result.outcome
    assert (reading.layout.name, reading.period, reading.part, reading.sender) == (
        "nhse-sickness-absence-2024", month, "all", "NHSE",
    )  # fmt: skip
    assert (outcome.rows_read, outcome.rows_recorded, outcome.rows_rejected) == (rows, rows, 0)
    # Codes that our reference does not know yet are the only thing to say about these files, and ours to mend.
    assert set(result.counts()) <= {("STR04", "warn")}
    assert all(finding["responsible"] == "us" for finding in result.of("STR04"))

    with open(shared_data / path(month), newline="", encoding="utf-8") as file:
        sent = list(csv.DictReader(file))
    records = outcome.records
    for column, field in (("FTE_DAYS_LOST", "fte_days_lost"), ("FTE_DAYS_AVAILABLE", "fte_days_available")):
        total = math.fsum(float(row[column]) for row in sent)
        assert math.isclose(math.fsum(records[field]), total, rel_tol=1e-12)
    assert records["ods_code"].to_list() == [row["ORG_CODE"] for row in sent]
    assert records["body"].to_list() == ["provider" if row["ORG_TYPE"] in PROVIDERS else "other" for row in sent]
    assert records["provider_code"].to_list() == [r["ORG_CODE"] if r["ORG_TYPE"] in PROVIDERS else None for r in sent]
    assert records["line"].to_list() == list(range(2, rows + 2))
    assert records["period_end"].unique().to_list() == [dt.datetime.strptime(sent[0]["DATE"], "%d/%m/%Y").date()]


def test_the_workbook_of_the_series_is_held_in_words(real):
    result = real("sickness_absence", "workforce/sickness_absence_workbook_2022-03.xlsx")
    assert result.counts() == {("STR01", "hold"): 1}
    says = result.of("STR01")[0]["message"]
    assert "None of the sheets 'Title sheet', 'Notes and definitions'" in says
    assert "Expected those of nhse-sickness-absence-2024" in says
    assert result.outcome.records.is_empty()


def test_a_month_under_another_name_is_held(shared_data, made_up):
    result = made_up("sickness_absence", "sickness_absence_2024-05.csv", (shared_data / path("2024-04")).read_bytes())
    assert result.outcome.state == "held"
    assert result.reading.period == "2024-04"
    assert "2024-05" in result.of("FIL-PERIOD")[0]["message"]


def test_any_other_name_will_do(shared_data, made_up):
    content = (shared_data / path("2024-04")).read_bytes()
    result = made_up("sickness_absence", "NHS Sickness Absence rates CSV, published 2024-08.csv", content)
    assert (result.outcome.state, result.reading.period) != ("held", None)
    assert (result.reading.period, result.outcome.rows_recorded) == ("2024-04", 285)


def test_a_file_cut_off_inside_a_row_is_held(shared_data, made_up):
    content = (shared_data / path("2024-04")).read_bytes()
    content = content[: len(content) * 2 // 3]
    result = made_up("sickness_absence", "cut.csv", content)
    assert result.outcome.state == "held"
    assert result.outcome.rows_held == result.outcome.rows_read == content.count(b"\n")
    assert [finding["line"] for finding in result.of("STR02")] == [content.count(b"\n") + 1]


def test_a_file_cut_off_after_40_rows_is_held(shared_data, made_up):
    content = b"".join((shared_data / path("2024-04")).read_bytes().splitlines(True)[:41])
    result = made_up("sickness_absence", "cut.csv", content)
    assert (result.outcome.state, result.outcome.rows_held) == ("held", 40)
    assert "40 rows" in result.of("FLOOR")[0]["message"]


def test_a_renamed_heading_is_named(shared_data, made_up):
    content = (shared_data / path("2024-04")).read_bytes().replace(b"ORG_CODE", b"ORGN_CODE", 1)
    result = made_up("sickness_absence", "x.csv", content)
    says = result.of("STR01")[0]["message"]
    assert "missing: 'ORG_CODE'" in says
    assert "not expected: 'ORGN_CODE'" in says
    assert "Did you mean 'ORG_CODE' by 'ORGN_CODE'?" in says


def test_a_heading_spelt_in_another_way_is_read_and_noted(shared_data, made_up):
    content = (shared_data / path("2024-04")).read_bytes().replace(b"ORG_CODE", b"Org code", 1)
    result = made_up("sickness_absence", "x.csv", content)
    assert (result.outcome.state, result.outcome.rows_recorded) == ("accepted", 285)
    assert result.counts() == {("STR-HEADING", "info"): 1}
    assert "'Org code' as 'ORG_CODE'" in result.of("STR-HEADING")[0]["message"]


@pytest.mark.parametrize(
    ("changed", "rule", "says"),
    [
        ({"FTE_DAYS_LOST": "24690.01", "SICKNESS_ABSENCE_RATE_PERCENT": "100"}, "SA-R1", "24690.01"),
        ({"SICKNESS_ABSENCE_RATE_PERCENT": "5.02"}, "SA-R2", "which make 5."),
        ({"DATE": "31/05/2025"}, "SA-R3", "30/06/2025"),
        ({"FTE_DAYS_AVAILABLE": "0"}, "VAL-RANGE", "above 0"),
        ({"ORG_TYPE": "Care Trust"}, "VAL-LIST", "'Care Trust' is not on the list"),
        ({"ORG_CODE": "RY"}, "VAL-FORM", "RY"),
        ({"FTE_DAYS_LOST": "#N/A"}, "VAL-DAMAGED", "#N/A"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_left_out_and_said(made_up, changed, rule, says):
    """Made-up rows: one of 60 is wrong, the others count."""
    result = made_up("sickness_absence", "made_up.csv", file_of(made_up_rows(60, **changed)))
    assert (result.outcome.rows_read, result.outcome.rows_recorded, result.outcome.rows_rejected) == (60, 59, 1)
    assert [finding["line"] for finding in result.of(rule)] == [2]
    assert says in result.of(rule)[0]["message"]
    assert result.of(rule)[0]["responsible"] == "publisher"


def test_an_unusual_rate_counts_and_is_listed(made_up):
    lost = {"FTE_DAYS_LOST": "4938", "SICKNESS_ABSENCE_RATE_PERCENT": "20"}
    result = made_up("sickness_absence", "made_up.csv", file_of(made_up_rows(60, **lost)))
    assert (result.outcome.rows_recorded, result.of("SA-R4")[0]["severity"]) == (60, "warn")


def test_one_organisation_twice_rejects_both_rows(made_up):
    rows = made_up_rows(120)
    rows[7] = rows[6] | {"ORG_NAME": "the same again"}
    result = made_up("sickness_absence", "made_up.csv", file_of(rows))
    assert [finding["line"] for finding in result.of("STR03")] == [8, 9]
    assert result.outcome.rows_recorded == 118


def test_two_months_in_one_file_are_held(made_up):
    rows = made_up_rows(120)
    for row in rows[60:]:
        row["DATE"] = "31/05/2025"
    result = made_up("sickness_absence", "made_up.csv", file_of(rows))
    assert len(result.of("SA-R3")) == 60
    assert result.outcome.state == "held"


def test_windows_text_notes_below_and_padded_cells(made_up):
    """Made up as awkward as published files are: Windows-1252, CRLF, blank lines, notes below, spaces around cells."""
    rows = made_up_rows(60, ORG_NAME="  St Mary’s – Made-up Trust ", ORG_CODE=" G6V2S ")
    text = file_of(rows).replace("\n", "\r\n") + ",,,,,,,,,,\r\nNotes:,,,,,,,,,,\r\n* provisional,,,,,,,,,,\r\n"
    result = made_up("sickness_absence", "made_up.csv", text.encode("cp1252"))
    assert (result.outcome.rows_read, result.outcome.rows_recorded) == (60, 60)
    first = result.outcome.records.row(0, named=True)
    assert (first["ods_code"], first["org_name"]) == ("G6V2S", "St Mary’s – Made-up Trust")
    assert result.counts()[("ROW-ASIDE", "info")] == 1
