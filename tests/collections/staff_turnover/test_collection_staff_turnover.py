"""Staff turnover: the published month recorded whole and measured as by a second calculation; made-up faults said."""

import csv
import math
from collections import defaultdict

import polars as pl
import pytest
from trust_benchmarks import reference
from trust_benchmarks.measures import measure
from trust_benchmarks.reference import calendar

PATH = "workforce/turnover_staff_group_org_2025-10.csv"
NAME = "turnover_2025-11.csv"
FLOWS = ("Denominator at start of period", "Denominator at end of period", "Joiners", "Leavers")
INFRASTRUCTURE = {"Central functions", "Hotel, property & estates", "Senior managers", "Managers"}
GROUPS = {  # a made-up trust: people and FTE at the start, at the end, joining and leaving
    "Nurses & health visitors": ((100, 90.5), (103, 92.5), (5, 4.0), (2, 2.0)),
    "Managers": ((10, 9.5), (9, 8.5), None, (1, 1.0)),
    "Senior managers": ((5, 5.0), (5, 5.0), None, None),
    "Hotel, property & estates": ((20, 15.25), (20, 15.25), None, None),
    "Unknown classification": ((1, 1.0), None, None, None),
}


def code_of(n):
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "R" + letters[n // 36] + letters[n % 36]


def made_up_rows(trusts=400, span="202510 to 202511"):
    """Rows of invented trusts (R00, R01, ...), each with the groups above; the last organisation is a care board."""
    rows = []
    for n in range(trusts):
        board = n == trusts - 1
        start = {
            "PERIOD": span, "TYPE": "", "NHSE_REGION_CODE": "Y58", "NHSE_REGION_NAME": "South West", "ICS_CODE": "QJK",
            "ICS_NAME": "Devon", "REPORTING_ORG_NAME": f"Made-up, Trust {n}",
            "REPORTING_ORG_CODE": "QJK" if board else code_of(n),
            "CLUSTER_GROUP": "Integrated Care Board" if board else "Mental Health",
            "BENCHMARK_GROUP": "Integrated Care Board" if board else "Mental Health and Learning Disability",
        }  # fmt: skip
        for i, flow in enumerate(FLOWS):
            parts = {group: counts[i] for group, counts in GROUPS.items() if counts[i]}
            people = sum(hc for hc, _ in parts.values()) - (i < 2)  # one person has two posts
            parts = {"All staff groups": (people, sum(fte for _, fte in parts.values())), **parts}
            rows += [
                start | {"TYPE": flow, "STAFF_GROUP_1_NAME": group, "HC": str(hc), "FTE": str(fte)}
                for group, (hc, fte) in parts.items()
            ]
    return rows


def text_of(rows):
    lines = [",".join(rows[0])] + [",".join(f'"{v}"' if "," in v else v for v in row.values()) for row in rows]
    return "\n".join(lines) + "\n"


def counts_of(result):
    return {key: n for key, n in result.counts().items() if key[0] not in ("STR04", "ROW-ASIDE")}


def measured(records_by_period, period, tmp_path):
    """What the SQL makes of records, by (metric, trust) -> (numerator, denominator, value)."""
    paths, submissions = [], []
    for month, records in records_by_period.items():
        paths.append(tmp_path / f"{month}.parquet")
        records.insert_column(0, pl.Series("submission_id", [month] * records.height)).write_parquet(paths[-1])
        row = dict.fromkeys(measure.SUBMISSIONS) | {
            "collection": "staff_turnover", "period": month, "sender": "NHSE", "part": "all", "submission_id": month,
            "state": "accepted", "version": 1, "is_current": True, "is_sample": False, "on_time": True,
        }  # fmt: skip
        submissions.append(row)
    results = measure.compute(
        measure.Inputs(
            "staff_turnover",
            period,
            {"staff_turnover": paths},
            pl.DataFrame(submissions, schema=measure.SUBMISSIONS),
            pl.DataFrame(schema=measure.EXPECTED),
            reference.load(),
        )
    )
    return {
        (r["metric_id"], r["provider_code"]): (r["numerator"], r["denominator"], r["value"])
        for r in results.measures.to_dicts()
    }


def near(found, wanted):
    return all(
        (f is None and w is None) or (f is not None and w is not None and math.isclose(f, w, rel_tol=1e-9))
        for f, w in zip(found, wanted, strict=True)
    )


def test_the_published_month_is_recorded_whole(real, shared_data):
    result = real("staff_turnover", PATH)
    reading, outcome = result.reading, result.outcome
    assert (reading.layout.name, reading.period, reading.part) == ("nhse-turnover-staff-group-2025", "2025-10", "all")
    assert (outcome.rows_read, outcome.rows_recorded, outcome.rows_rejected) == (9450, 9450, 0)
    assert result.counts() == {("ST-R1", "warn"): 3}
    with open(shared_data / PATH, newline="", encoding="utf-8") as file:
        sent = list(csv.DictReader(file))
    records = outcome.records
    assert records["ods_code"].to_list() == [row["REPORTING_ORG_CODE"] for row in sent]
    assert records["headcount"].to_list() == [int(row["HC"]) for row in sent]
    assert math.isclose(math.fsum(records["fte"]), math.fsum(float(row["FTE"]) for row in sent), rel_tol=1e-12)
    boards = {row["REPORTING_ORG_CODE"] for row in sent if row["CLUSTER_GROUP"] == "Integrated Care Board"}
    assert len(boards) == 42
    kept_apart = records.filter(pl.col("body") == "other")
    assert set(kept_apart["ods_code"]) == boards and kept_apart.height == 960
    assert kept_apart["provider_code"].null_count() == 960
    assert records.filter(pl.col("body") == "provider")["provider_code"].n_unique() == 205


def test_the_publishers_totals_follow_from_their_groups(shared_data):
    """A total a organisation and flow (there is none of England): FTE equal, and never more people than in its groups."""
    totals, groups = {}, defaultdict(lambda: [0, []])
    with open(shared_data / PATH, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = row["REPORTING_ORG_CODE"], row["TYPE"]
            if row["STAFF_GROUP_1_NAME"] == "All staff groups":
                totals[key] = int(row["HC"]), float(row["FTE"])
            else:
                groups[key][0] += int(row["HC"])
                groups[key][1].append(float(row["FTE"]))
    assert len(totals) == len(groups) == 976
    assert max(abs(fte - math.fsum(groups[key][1])) for key, (_, fte) in totals.items()) < 1e-6
    assert min(groups[key][0] - people for key, (people, _) in totals.items()) == 0


def test_the_published_month_measured_a_second_time(real, shared_data, tmp_path):
    found = measured({"2025-10": real("staff_turnover", PATH).outcome.records.clone()}, "2025-10", tmp_path)
    staff, infrastructure = {}, defaultdict(list)
    with open(shared_data / PATH, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["TYPE"] != "Denominator at end of period" or row["CLUSTER_GROUP"] == "Integrated Care Board":
                continue
            code = row["REPORTING_ORG_CODE"]
            if row["STAFF_GROUP_1_NAME"] == "All staff groups":
                staff[code] = float(row["FTE"]), int(row["HC"])
            if row["STAFF_GROUP_1_NAME"] in INFRASTRUCTURE:
                infrastructure[code].append(float(row["FTE"]))
    assert len(found) == 4 * len(staff) == 820
    for code, (fte, people) in staff.items():
        share = math.fsum(infrastructure[code])
        assert near(found["WF01", code], (fte, None, fte)), code
        assert near(found["WF02", code], (fte, people, fte / people)), code
        assert near(found["WF11", code], (share, fte, 100 * share / fte)), code
        assert found["WF05", code] == (None, None, None), "one month says nothing about twelve"


def test_a_flow_of_nobody_has_no_row_and_counts_as_none(made_up, tmp_path):
    """Twelve made-up months: a trust without leavers in some has them as 0; one with a month missing has no turnover."""
    months = calendar.periods("2025-10", "2026-09")
    spans = [f"{calendar.previous_period(m)} to {m}".replace("-", "") for m in months]
    records = {}
    for i, (month, span) in enumerate(zip(months, spans, strict=True)):
        rows = [
            row
            for row in made_up_rows(span=span)
            if not (row["REPORTING_ORG_CODE"] == code_of(0) and row["TYPE"] == "Leavers" and i % 2)
            and not (row["REPORTING_ORG_CODE"] == code_of(1) and i == 5)
        ]
        records[month] = made_up("staff_turnover", "x.csv", text_of(rows)).outcome.records
    found = measured(records, "2026-09", tmp_path)
    assert found["WF05", code_of(2)] == (36, 136, pytest.approx(100 * 36 / 136))
    assert found["WF05", code_of(0)] == (18, 136, pytest.approx(100 * 18 / 136))
    assert found["WF05", code_of(1)] == (None, None, None)
    assert ("WF05", "QJK") not in found


def test_a_made_up_month_with_notes_below(made_up):
    text = text_of(made_up_rows()).replace("\n", "\r\n") + ",,,,,,,,,,,,\r\nNotes:,,,,,,,,,,,,\r\n"
    result = made_up("staff_turnover", NAME, text.encode("cp1252"))
    assert (result.outcome.state, counts_of(result)) == ("accepted_with_warnings", {})
    assert result.outcome.rows_recorded == len(made_up_rows())
    assert result.reading.rows_set_aside == 1
    assert result.outcome.records.filter(pl.col("body") == "other")["ods_code"].unique().to_list() == ["QJK"]


@pytest.mark.parametrize(
    ("at", "changed", "rule", "lines", "says"),
    [
        (1, {"HC": "80"}, "ST-R1", [3], "at most 1.1 FTE"),
        (0, {"FTE": "121.5"}, "ST-R2", [2], "add up to 136 people and 121.25 FTE"),
        (0, {"HC": "137"}, "ST-R2", [2], "136 people"),
        (1, {"FTE": "-"}, "VAL-MISSING", [3], "the cell says '-'"),
        (1, {"FTE": "ninety"}, "VAL-TYPE", [3], "ninety"),
        (2, {"PERIOD": "202509 to 202510"}, "ST-R3", [4], "202510 to 202511"),
        (2, {"STAFF_GROUP_1_NAME": "Porters"}, "VAL-LIST", [4], "'Porters' is not on the list"),
        (2, {"CLUSTER_GROUP": "Charity"}, "VAL-LIST", [4], "'Charity' is not on the list"),
        (6, {"HC": "120"}, "ST-R5", [8], "make 137"),
    ],
)
def test_a_wrong_row_is_said(made_up, at, changed, rule, lines, says):
    rows = made_up_rows()
    rows[at] |= changed
    result = made_up("staff_turnover", NAME, text_of(rows))
    assert [finding["line"] for finding in result.of(rule)] == lines
    assert says in result.of(rule)[0]["message"]
    assert result.of(rule)[0]["responsible"] == "publisher"
    assert result.outcome.state == "accepted_with_warnings"


def test_a_trust_without_a_total_at_the_end_is_said(made_up):
    rows = made_up_rows()
    del rows[6]
    assert rows[5]["TYPE"] != rows[6]["TYPE"]
    result = made_up("staff_turnover", NAME, text_of(rows))
    assert [finding["line"] for finding in result.of("ST-R4")] == [2]


def test_half_a_file_is_held(made_up):
    result = made_up("staff_turnover", NAME, text_of(made_up_rows(200)))
    assert (result.outcome.state, len(result.of("FLOOR"))) == ("held", 1)


def test_a_file_under_the_name_of_another_month_is_held(made_up):
    result = made_up("staff_turnover", "turnover_2025-12.csv", text_of(made_up_rows()))
    assert (result.outcome.state, result.reading.period) == ("held", "2025-11")
    assert "2025-12" in result.of("FIL-PERIOD")[0]["message"]
