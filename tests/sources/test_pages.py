"""Pages of publishers: which links are meant, what a page that changed comes to, and every fault of a file behind a link."""

from datetime import UTC, datetime, timedelta

import flow
import made
import publisher
import pytest
from nation import TARIFF, Nation
from trust_benchmarks.sources import content, due, fetch
from trust_benchmarks.stores import objects, settings

NOW = datetime(2026, 9, 1, 10, tzinfo=UTC)  # before anything is late
DAY = timedelta(days=1)
QUIET = ("same", "not_changed")  # equal bytes, and a server that says so


@pytest.fixture
def nation(world, playing):
    return Nation(playing)


def keys(look):
    return [one.partition("/")[2].rpartition("_v")[0] for one in look.fetched]


def in_inbox(key):
    return objects.get(settings.load().inbox, key)[0]


def tariff(nation, *months):
    for month in months:
        nation.put_tariff("viii_a", month, made.tariff_viii_a(month))


def look(now=NOW, key="drug_tariff/viii_a", **more):
    return fetch.look(key, now=now, **more)


def test_the_newest_months_come_first_and_the_rest_on_demand(nation):
    tariff(nation, "2026-05", "2026-06", "2026-07", "2026-08", "2026-09")
    first = look()
    assert (first.outcome, keys(first)) == ("new", [f"drug_tariff_viii_a_2026-{m}" for m in ("07", "08", "09")])
    assert in_inbox(first.fetched[2]) == made.tariff_viii_a("2026-09")
    later = look(since="2025-01")
    assert keys(later) == ["drug_tariff_viii_a_2026-05", "drug_tariff_viii_a_2026-06"]
    how = flow.rows("SELECT DISTINCT period_from FROM intake.source_files")
    assert how == [("link text and title",)]
    with pytest.raises(ValueError, match="is no period of drug_tariff"):
        look(since="2025-26")


def test_daily_the_newest_are_asked_for_again_and_a_file_replaced_in_place_is_a_correction(nation):
    tariff(nation, "2026-05", "2026-06", "2026-07", "2026-08", "2026-09")
    path = nation.put_tariff(
        "viii_a", "2026-08", made.tariff_viii_a("2026-08"), plan=publisher.serve(made.tariff_viii_a("2026-08"), '"1"')
    )
    look(), look()
    assert len(nation.tariff.asked(path)) == 1
    assert look(NOW + DAY).outcome in QUIET
    assert [one.get("if-none-match") for one in nation.tariff.asked(path)] == [None, '"1"']
    assert look(NOW + 2 * DAY).outcome in QUIET
    assert nation.tariff.asked(path)[-1]["if-none-match"] == '"1"'
    nation.put_tariff("viii_a", "2026-08", b"", plan=publisher.serve(made.tariff_viii_a("2026-08", seed=1), '"2"'))
    found = look(NOW + 3 * DAY)
    assert (found.outcome, keys(found)) == ("correction", ["drug_tariff_viii_a_2026-08"])
    assert "_v2_" in found.fetched[0]
    # Back to the first bytes: it is told once, and nothing is put into the inbox.
    nation.put_tariff("viii_a", "2026-08", b"", plan=publisher.serve(made.tariff_viii_a("2026-08"), '"3"'))
    assert look(NOW + 4 * DAY).outcome == "went_back" and look(NOW + 5 * DAY).outcome in QUIET


def test_a_second_link_in_a_newer_folder_is_a_correction_and_a_broken_one_is_passed_over(nation):
    tariff(nation, "2026-07", "2026-08", "2026-09")
    nation.put_tariff(
        "viii_a",
        "2026-09",
        b"",
        name="Part VIIIA September 20261.xls_0.csv",
        folder="2026-09",
        plan=publisher.status(404),
    )
    found = look()
    assert found.outcome == "broken" and keys(found)[-1] == "drug_tariff_viii_a_2026-09"
    assert "the server answered 404" in found.said[0] and "Open the link in a browser" in found.said[0]
    assert look(NOW + DAY).outcome in QUIET, "it is told once, for the month was had by the other link"
    content = made.tariff_viii_a("2026-07", seed=4)
    nation.put_tariff("viii_a", "2026-07", content, folder="2026-09", name="Part VIIIA Jul 26 updated.csv")
    second = look(NOW + 2 * DAY)
    assert (second.outcome, in_inbox(second.fetched[0])) == ("correction", content)
    assert look(NOW + 3 * DAY).fetched == []


@pytest.mark.parametrize(
    ("plan", "outcome", "says"),
    [
        (publisher.serve(made.tariff_viii_a("2026-08")), "broken", "is titled"),
        (publisher.page("<!DOCTYPE html><html><body>Sorry</body></html>"), "broken", "a page of HTML"),
        (publisher.serve(b"\xef\xbb\xbf\n <html>"), "broken", "a page of HTML"),
        (publisher.status(403), "refused", "403"),
        (publisher.status(500), "unreachable", "4 attempts"),
        (publisher.redirect("https://10.0.0.1/x"), "moved", "private network"),
    ],
)
def test_a_fault_of_one_file_is_its_own_outcome_and_mends(nation, plan, outcome, says):
    tariff(nation, "2026-07", "2026-08")
    nation.put_tariff("viii_a", "2026-09", b"", plan=plan)
    found = look()
    assert (found.outcome, keys(found)) == (outcome, ["drug_tariff_viii_a_2026-07", "drug_tariff_viii_a_2026-08"])
    assert says in " ".join(found.said)
    tariff(nation, "2026-09")
    assert keys(look(NOW + timedelta(hours=1))) == ["drug_tariff_viii_a_2026-09"]


def test_a_title_whose_month_is_none_does_not_agree_with_the_link(nation):
    # The date as Americans write it.
    nation.put_sickness("2026-04", made.sickness("2026-04").replace(b"30/04/2026", b"04/30/2026"))
    found = look(NOW, "sickness_absence/monthly")
    assert (found.outcome, found.fetched) == ("broken", []) and "is titled" in found.said[0]
    assert "This means: what came is not the file that was meant." in found.said[0]


@pytest.mark.parametrize(
    ("plan", "outcome"),
    [
        (publisher.page("<html><body><a href='/new'>The Drug Tariff has moved here</a></body></html>"), "page_changed"),
        (publisher.status(404), "moved"),
        (publisher.status(403), "refused"),
        (publisher.status(503), "unreachable"),
    ],
)
def test_a_fault_of_the_page_is_its_own_outcome(nation, plan, outcome):
    nation.tariff.plans[f"{TARIFF}/drug-tariff-part-viii"] = plan
    found = look()
    assert (found.outcome, found.fetched) == (outcome, [])
    assert flow.rows("SELECT outcome, said <> '' FROM intake.sources") == [(outcome, True)]


def test_late_is_told_and_gone_is_told_once(nation):
    tariff(nation, "2026-07", "2026-08")
    assert look(datetime(2026, 8, 28, 12, tzinfo=UTC)).outcome == "not_yet"
    assert look(datetime(2026, 9, 3, 12, tzinfo=UTC)).outcome == "late"
    tariff(nation, "2026-09")
    assert look(NOW).outcome == "new"
    nation.links["viii"] = [one for one in nation.links["viii"] if "Aug" not in one[1]]
    gone = look(NOW + DAY)
    assert gone.outcome == "gone" and "2026-08" in gone.said[0]
    assert look(NOW + 2 * DAY).outcome in QUIET


def test_an_issue_that_is_announced_is_no_fault_and_other_files_are_passed_over(nation):
    for month in ("2026-03", "2026-04"):
        nation.put_sickness(month, made.sickness(month))
    nation.put_issue("sickness_absence", "2026-05", {}, upcoming=True)
    # Pages of several months and of years are no issues.
    nation.put_issue("sickness_absence", "2020-10", {}, slug="october-2020-to-december-2020-provisional-statistics")
    found = look(NOW, "sickness_absence/monthly")
    assert (found.outcome, keys(found)) == ("new", ["sickness_absence_2026-03", "sickness_absence_2026-04"])
    assert "not published yet" in found.said[0]
    assert look(NOW + DAY, "sickness_absence/monthly").outcome in QUIET
    assert not [path for path, _ in nation.series.seen if "-to-" in path]
    nation.put_sickness("2026-05", made.sickness("2026-05"))
    assert keys(look(NOW + 2 * DAY, "sickness_absence/monthly")) == ["sickness_absence_2026-05"]
    nation.put_issue("sickness_absence", "2026-06", {("Something else", "else.csv"): b"x"})
    assert look(NOW + 3 * DAY, "sickness_absence/monthly").outcome == "page_changed"


def test_the_member_of_a_zip_says_which_month_it_is(nation):
    nation.put_turnover("2026-04")
    found = look(NOW, "staff_turnover/monthly")
    assert keys(found) == ["staff_turnover_2026-04"] and in_inbox(found.fetched[0]) == made.turnover("2026-04")
    assert flow.value("SELECT period_from FROM intake.source_files") == "file content"
    assert look(NOW + DAY, "staff_turnover/monthly").fetched == []


def many(count):
    return {f"Staff group and organisation, monthly, {at}.csv": made.turnover("2026-04") for at in range(count)}


@pytest.mark.parametrize(
    ("body", "outcome", "says"),
    [
        (made.turnover_zip("2026-04")[:-40], "broken", "cannot be opened"),
        (made.zipped({"other.csv": b"x"}), "page_changed", "holds 0 files"),
        (made.zipped(many(2)), "page_changed", "holds 2 files"),
        (
            made.zipped({"Staff group and organisation, monthly, x.csv": b"no period"}),
            "page_changed",
            "says one period",
        ),
        (made.zipped({"Staff group and organisation, monthly, x.csv": b""}), "broken", "is empty"),
    ],
)
def test_a_zip_that_is_not_as_it_should_be(nation, body, outcome, says):
    nation.put_turnover("2026-04", plan=publisher.serve(body))
    found = look(NOW, "staff_turnover/monthly")
    assert (found.outcome, found.fetched) == (outcome, []) and says in " ".join(found.said)


def test_a_bomb_is_not_unpacked_and_a_path_in_a_zip_is_only_a_name(nation, monkeypatch):
    monkeypatch.setattr(content, "MOST_MEMBER", 100_000)
    bomb = made.zipped({"Staff group and organisation, monthly, x.csv": b"0" * 5_000_000})
    nation.put_turnover("2026-04", plan=publisher.serve(bomb))
    assert "has more than the 100,000 bytes" in " ".join(look(NOW, "staff_turnover/monthly").said)
    inside = made.zipped({"../../Staff group and organisation, monthly, x.csv": made.turnover("2026-04")})
    nation.put_turnover("2026-04", plan=publisher.serve(inside))
    assert look(NOW + DAY, "staff_turnover/monthly").fetched[0].startswith("staff_turnover/staff_turnover_2026-04_v1_")


def test_a_year_comes_as_provisional_and_as_final_and_a_closed_series_once(nation):
    nation.put_eric("2024-25", slug="summary-page-and-dataset-for-eric-2024-25-provisional")
    assert keys(look(NOW, "estates/site")) == ["estates_site_2024-25"]
    nation.put_eric("2024-25", seed=5)
    nation.put_issue("estates", "2025-26", {("Coming soon", "coming-soon.html"): b"x"}, upcoming=True)
    found = look(NOW + DAY, "estates/site")
    assert (found.outcome, [one.split("_")[3] for one in found.fetched]) == ("correction", ["v2"]), (
        found,
        flow.rows("SELECT * FROM intake.source_files"),
    )
    assert look(NOW + 2 * DAY, "estates/site").outcome in QUIET
    editions = flow.rows(
        "SELECT edition, outcome FROM intake.source_files WHERE inbox_key IS NOT NULL ORDER BY file_id"
    )
    assert editions == [("provisional", "new"), ("final", "correction")]

    months = [f"{year}-{month:02d}" for year, month in ((2023, 11), (2023, 12), (2024, 1), (2024, 2), (2024, 3))]
    for month in months:
        nation.put_oaps(month)
    closed = look(NOW, "out_of_area_placements/monthly")
    assert (closed.outcome, keys(closed)) == ("new", [f"oaps_{month}" for month in months])
    assert "out_of_area_placements/monthly" not in due.due(NOW + 400 * DAY)
