"""The reviewed tables against the publishers' own files: every code known, every date and merger as published."""

import csv
import json
import re
from collections import Counter
from datetime import date

import pytest
from trust_benchmarks import reference
from trust_benchmarks.sources import reference_files as ods

CARE_SECTORS = ("community", "mental_health", "combined", "integrated")
LEFT_IN_2024 = {"RAP", "RY9", "RRP", "RYK", "R1C", "TAF"}


@pytest.fixture(scope="module")
def tables():
    return reference.load()


def dicts(path):
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def test_nothing_to_mend(tables):
    assert reference.check(tables) == []


def test_counts(tables):
    assert len(tables.providers) == 297
    assert Counter(p.kind for p in tables.providers) == {"trust": 273, "social_enterprise": 19, "care_trust": 5}
    assert (len(tables.cohort), len(tables.recommendations), len(tables.programme_events)) == (23, 16, 44)
    assert Counter(m.sector for m in tables.cohort) == {
        "combined": 8,
        "community": 8,
        "mental_health": 6,
        "integrated": 1,
    }


def test_every_code_of_the_trusts_files_is_a_provider(tables, shared_data):
    for name, rows in (("etr_2021_24col.csv", 227), ("etr_2022-03_27col.csv", 218), ("etr_2025-12_27col.csv", 273)):
        codes = {row["code"] for row in ods.read_etr((shared_data / "ods" / name).read_bytes())}
        assert len(codes) == rows
        assert {code for code in codes if not tables.knows(code)} == set(), name


def test_every_trust_of_the_sickness_files_is_a_provider_and_open(tables, shared_data):
    kept = {"Acute", "Ambulance", "Mental Health", "Community Provider Trust"}
    for month in range(4, 13):
        rows = dicts(shared_data / "workforce" / f"sickness_absence_2024-{month:02d}.csv")
        codes = {row["ORG_CODE"] for row in rows if row["ORG_TYPE"] in kept}
        assert len(codes) > 200
        assert {code for code in codes if not tables.is_open(code, date(2024, month, 1))} == set(), month


def test_every_trust_of_the_estates_files_is_a_provider(tables, shared_data):
    calamine = pytest.importorskip("python_calamine", reason="python-calamine reads the .xls workbooks")
    folder, found = shared_data / "estates_eric", {}
    for year, name in (("2014-15", "eric_2014-15_workbook.xls"), ("2016-17", "eric_2016-17_workbook.xls")):
        rows = calamine.CalamineWorkbook.from_path(folder / name).get_sheet_by_name("Trust Data").to_python()
        heading = next(i for i, row in enumerate(rows) if row[0] == "Organisation Code")
        found[year] = {row[0].strip() for row in rows[heading + 1 :] if row[0]}
    with (folder / "eric_2015-16_trust.csv").open(encoding="utf-8", errors="replace", newline="") as lines:
        found["2015-16"] = {row[0] for row in list(csv.reader(lines))[2:] if row and row[0]}
    found["2019-20"] = {row["Trust Code"] for row in dicts(folder / "eric_2019-20_site.csv")}
    assert {year: len(codes) for year, codes in found.items()} == {
        "2014-15": 241,
        "2015-16": 238,
        "2016-17": 236,
        "2019-20": 224,
    }
    for year, codes in found.items():
        assert {code for code in codes if not tables.knows(code)} == set(), year


def test_trusts_file_of_december_2025_says_nothing_new(tables, shared_data):
    rows = ods.read_etr((shared_data / "ods" / "etr_2025-12_27col.csv").read_bytes())
    assert ods.propose(tables, rows, date(2025, 12, 31)) == []


def test_trusts_file_of_march_2022_lacks_one_closing(tables, shared_data):
    rows = ods.read_etr((shared_data / "ods" / "etr_2022-03_27col.csv").read_bytes())
    assert [(c.kind, c.code) for c in ods.propose(tables, rows, date(2022, 3, 31))] == [("reopened", "RBZ")]


def test_successions_between_trusts_are_those_of_ods(tables, shared_data):
    published = {
        (row["from_code"], row["to_code"], row["legal_date"])
        for row in ods.read_successions((shared_data / "ods" / "ods_succession_2022_derived.csv").read_bytes())
        if tables.knows(row["from_code"]) and tables.knows(row["to_code"])
    }
    ours = {(s.from_code, s.to_code, s.legal_date) for s in tables.successions if s.source.startswith("ODS")}
    assert len(published) > 50
    assert ours == published


def test_the_mergers_of_2024_are_followed(tables, shared_data):
    def codes(month):
        return {row["ORG_CODE"] for row in dicts(shared_data / "workforce" / f"sickness_absence_2024-{month:02d}.csv")}

    assert codes(4) - codes(12) == LEFT_IN_2024
    assert {code: tables.final_successors(code) for code in LEFT_IN_2024} == {
        "RRP": ["G6V2S"],
        "TAF": ["G6V2S"],
        "RY9": ["RAX"],
        "R1C": ["RW1"],
        "RAP": ["RAL"],
        "RYK": ["RNA", "TAJ"],
    }
    assert [s.verified for s in tables.successions if s.from_code in ("RAP", "RYK") and s.type != "rename"] == [
        "no"
    ] * 3


def test_names_in_the_sickness_files_are_the_names_on_that_day(tables, shared_data):
    def plain(name):
        return re.sub("[^a-z]", "", name.lower().replace("&", "and").removeprefix("the "))

    differing = {
        row["ORG_CODE"]
        for month in (4, 12)
        for row in dicts(shared_data / "workforce" / f"sickness_absence_2024-{month:02d}.csv")
        if tables.knows(row["ORG_CODE"])
        and plain(row["ORG_NAME"]) != plain(tables.name_on(row["ORG_CODE"], date(2024, month, 1)))
    }
    assert differing == set()


def test_bank_holidays_are_those_of_the_feed(tables, shared_data):
    folder = shared_data / "calendar"
    fed = [
        holiday.date
        for name in ("bank_holidays_england_wales_2012-2020.json", "bank_holidays_uk_2024-2027.json")
        for holiday in ods.read_bank_holidays((folder / name).read_bytes())
    ]
    ours = [h.date for h in tables.holidays]
    assert [day for day in ours if not 2021 <= day.year <= 2023] == fed
    assert {h.source for h in tables.holidays if 2021 <= h.date.year <= 2023} == {"general knowledge"}
    assert Counter(day.year for day in ours if 2021 <= day.year <= 2023) == {2021: 8, 2022: 10, 2023: 9}
    extra = {date(2022, 6, 2), date(2022, 6, 3), date(2022, 9, 19), date(2023, 5, 8)}
    assert extra <= set(ours)


def test_definitions_are_those_of_the_domain(tables, shared_data):
    domain = shared_data.parent / "domain"
    ours = {m.metric_id: m for m in tables.metric_versions if m.version == 1}
    columns = {
        "carter_rec": lambda value: ";".join(map(str, value)),
        "opportunity_root": lambda value: ("no", "yes")[value],
    }
    homes = {"finance_sof": "finance_oversight"}
    rows = dicts(domain / "metrics.csv")
    assert len(rows) == 78
    for row in rows:
        own = {name: columns.get(name, str)(getattr(ours[row["metric_id"]], name)) for name in row}
        assert own == row | {"collection": homes.get(row["collection"], row["collection"])}
    assert dicts(reference.FOLDER / "programme_events.csv") == dicts(domain / "timeline_events.csv")
    assert dicts(reference.FOLDER / "recommendations.csv") == dicts(domain / "recommendations.csv")
    assert {one.recommendation_number: one.said for one in tables.board_coverage} == {
        one.number: one.board_paper_status_sept2018 for one in tables.recommendations
    }
    assert {m.code: m.name_2017 for m in tables.cohort} == {
        row["ods_code"]: row["name_2017"] for row in dicts(domain / "cohort_trusts.csv")
    }


def test_which_metrics_can_be_fed(tables):
    metrics = {m.metric_id: m for m in tables.metrics}
    assert metrics["WF04"].fed_by == ("workforce", "sickness_absence")
    assert metrics["WF05"].fed_by == ("workforce", "staff_turnover")
    assert metrics["OA05"].fed_by == ("out_of_area_placements",)
    assert metrics["ES11"].fed_by == ("estates", "workforce")
    assert metrics["DQ01"].fed_by == ("all",)
    assert {m.not_fed_because == "" for m in tables.metrics if m.fed_by} == {True}
    assert all(len(m.not_fed_because) > 30 for m in tables.metrics if not m.fed_by)


def test_each_metric_is_a_reviewed_record_that_claims_no_review_by_others(tables):
    assert len({m.question for m in tables.metrics}) == len(tables.metrics)
    assert all(m.checked_on <= date.today() and "nobody" in m.checked_by for m in tables.metric_versions)


def test_providers_expected_over_the_sample_year(tables):
    """59 trusts are open throughout April 2025 to April 2026; three more until 31 March 2026."""
    first, last = tables.expected(CARE_SECTORS, date(2025, 4, 1)), tables.expected(CARE_SECTORS, date(2026, 4, 30))
    assert (len(first), len(last)) == (62, 59)
    assert set(first) - set(last) == {"RNK", "RYV", "RY2"}
    assert set(last) <= set(first)
    assert "RA9" in first and "G6V2S" in first


def test_only_torbay_is_integrated_and_social_enterprises_are_not_expected(tables):
    assert tables.expected(("integrated",), date(2025, 4, 1)) == ["RA9"]
    assert tables.provider("NLX").kind == "social_enterprise"
    assert "NLX" not in tables.expected(CARE_SECTORS, date(2025, 4, 1))


def test_cohort_members_have_the_cohort_sector_and_name(tables):
    for member in tables.cohort:
        assert tables.provider(member.code).sector == member.sector
        assert tables.name_on(member.code, date(2017, 2, 8)).lower() == member.name_2017.lower()


def test_the_cohort_chains(tables):
    assert tables.final_successors("RTV") == ["RW4", "RXV"]
    assert [s.to_code for s in tables.successors("RTV", date(2021, 5, 1))] == ["RXV"]
    assert tables.final_successors("RTQ") == ["RTQ"]
    assert tables.name_on("RTQ", date(2019, 9, 30)) == "2gether NHS Foundation Trust"
    assert tables.name_on("RTQ", date(2019, 10, 1)) == "Gloucestershire Health and Care NHS Foundation Trust"
    assert not tables.is_open("RRP", date(2024, 11, 1)) and tables.is_open("RRP", date(2024, 10, 31))


def test_no_contact_details(tables):
    """Postcodes, telephone numbers, e-mail and web addresses have no place here."""
    contact = re.compile(
        r"\b[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}\b|\b0[0-9]{2,4} ?[0-9]{3} ?[0-9]{3,4}\b|@|https?://|www\."
    )
    for path in reference.FOLDER.glob("*.csv"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            assert not contact.search(line), f"{path.name} line {number}: {line}"


def test_version_is_steady_and_short():
    assert re.fullmatch("[0-9a-f]{16}", reference.version())
    assert reference.version() == reference.version.__wrapped__()


def test_feed_form_is_what_gov_uk_publishes(shared_data):
    feed = json.loads((shared_data / "calendar" / "bank_holidays_uk_2024-2027.json").read_text(encoding="utf-8"))
    assert {division: len(feed[division]["events"]) for division in feed} == {
        "england-and-wales": 32,
        "scotland": 36,
        "northern-ireland": 40,
    }
