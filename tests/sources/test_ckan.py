"""A package of an open data portal, through its months: provisional, corrected, final, gone; and what a portal does wrong."""

from datetime import UTC, datetime, timedelta

import flow
import made
import publisher
import pytest
from trust_benchmarks.sources import fetch

PROVISIONAL = "secondary-care-medicines-data-indicative-price"
FINAL = "finalised-secondary-care-medicines-data-scmd-with-indicative-price"
AUTUMN = datetime(2026, 9, 25, 10, tzinfo=UTC)  # 2026-07 was due on 20 September


def look(name="provisional", now=AUTUMN, **more):
    return fetch.look(f"medicines_stock/{name}", now=now, **more)


def files():
    return flow.rows("SELECT period, edition, outcome FROM intake.source_files ORDER BY file_id")


def keys(look):
    return [one.split("_v")[0].removeprefix("medicines_stock/") for one in look.fetched]


@pytest.fixture
def months(world, portal):
    """Three provisional months."""
    for month in ("05", "06", "07"):
        portal.put(
            PROVISIONAL, f"SCMD_PROVISIONAL_2026{month}", made.scmd(f"2026-{month}"), f"2026-{month}-20T09:30:00"
        )
    portal.put(FINAL, "SCMD_FINAL_201901", made.scmd("2019-01"))
    return portal


def test_each_month_arrives_once_and_every_change_leaves_its_trace(months):
    first = look()
    assert (first.outcome, keys(first)) == ("new", [f"medicines_stock_2026-0{m}" for m in (5, 6, 7)])
    assert (look().outcome, look(now=AUTUMN + timedelta(days=1)).outcome) == ("not_changed", "not_changed")

    # A correction in place, and the same bytes with a new date.
    months.put(
        PROVISIONAL,
        "SCMD_PROVISIONAL_202606",
        made.scmd("2026-06", seed=1),
        "2026-06-20T09:30:00",
        "2026-09-26T09:30:00",
    )
    months.put(
        PROVISIONAL, "SCMD_PROVISIONAL_202607", made.scmd("2026-07"), "2026-07-20T09:30:00", "2026-09-26T09:30:00"
    )
    second = look()
    assert (second.outcome, keys(second)) == ("correction", ["medicines_stock_2026-06"])
    assert "_v2_" in second.fetched[0]

    # Final months outrank provisional ones, which never come back.
    months.put(FINAL, "SCMD_FINAL_202605", made.scmd("2026-05", seed=2))
    final = look("final")
    assert keys(final) == ["medicines_stock_2019-01", "medicines_stock_2026-05"]
    assert "_v2_" in final.fetched[1]
    months.put(
        PROVISIONAL,
        "SCMD_PROVISIONAL_202605",
        made.scmd("2026-05", seed=3),
        "2026-05-20T09:30:00",
        "2026-09-27T09:30:00",
    )
    assert look().fetched == []
    assert files()[3:] == [
        ("2026-06", "provisional", "correction"),
        ("2026-07", "provisional", "same"),
        ("2019-01", "final", "new"),
        ("2026-05", "final", "correction"),
    ]
    said = flow.rows("SELECT outcome, fetched, offered FROM intake.source_looks ORDER BY ended_at")
    assert [one[0] for one in said] == ["new", "not_changed", "not_changed", "correction", "correction", "not_changed"]

    # What was fetched is received as versions of one chain.
    flow.take_in()
    chain = flow.rows("SELECT period, version, part FROM intake.submissions WHERE period LIKE '2026-%' ORDER BY 1, 2")
    assert chain == [("2026-05", 1, ""), ("2026-05", 2, ""), ("2026-06", 1, ""), ("2026-06", 2, ""), ("2026-07", 1, "")]


def test_a_final_month_that_vanishes_is_told_and_the_provisional_one_does_not_come_back(months):
    look()
    months.put(FINAL, "SCMD_FINAL_202605", made.scmd("2026-05", seed=2))
    look("final")
    months.remove(FINAL, "SCMD_FINAL_202605")
    gone = look("final")
    assert gone.outcome == "gone" and gone.said[0].startswith("The final file of 2026-05")
    assert look("final").outcome == "not_changed"
    assert look(now=AUTUMN + timedelta(days=1)).fetched == []
    months.put(FINAL, "SCMD_FINAL_202605", made.scmd("2026-05", seed=2))
    assert look("final").outcome == "not_changed", "the same resource with the same date is back"


def test_a_publisher_that_does_not_answer_for_days_is_told(months):
    assert look("final").outcome == "new"
    months.host.plans["/api/3/action/package_show"] = publisher.status(503)
    outcomes = [look("final", now=AUTUMN + timedelta(days=days)).outcome for days in (1, 3, 8, 9)]
    assert outcomes == ["unreachable", "unreachable", "late", "late"]
    assert "has not answered since 25 September 2026" in flow.value("SELECT said FROM intake.sources")


def test_a_name_of_another_form_is_taken_where_there_is_no_other(months):
    months.put(PROVISIONAL, "SCMD_FINAL_EOM_202606", made.scmd("2026-06", seed=9))
    months.put(PROVISIONAL, "SCMD_202604", made.scmd("2026-04"))
    months.put(PROVISIONAL, "SCMD_guidance", b"words")
    assert keys(look(since="2026-04")) == [f"medicines_stock_2026-0{m}" for m in (4, 5, 6, 7)]
    assert ("2026-06", "final_eom", "superseded") in files()


def test_a_signed_address_that_died_is_asked_for_anew(months):
    path = months.put(PROVISIONAL, "SCMD_PROVISIONAL_202608", b"", plan=publisher.status(403))
    resource = months.packages[PROVISIONAL]["SCMD_PROVISIONAL_202608"]

    def sign(handler):
        resource["url"] = months.host.url + "/signed/2.csv?expires=2"
        months.host.plans["/signed/2.csv"] = publisher.serve(made.scmd("2026-08"))
        return months._resource(handler)

    months.host.plans["/api/3/action/resource_show"] = sign
    found = look()
    assert found.outcome == "new" and "medicines_stock_2026-08" in keys(found)
    assert len(months.host.asked(path)) == 1


@pytest.mark.parametrize(
    ("plan", "outcome"),
    [
        (publisher.as_json({"success": False, "error": {}}), "moved"),
        (publisher.as_json({"success": True, "result": {"records_truncated": "true"}}), "page_changed"),
        (publisher.as_json([]), "moved"),
        (publisher.page("<html>Down for maintenance</html>"), "page_changed"),
        (publisher.as_json({"success": True, "result": {"resources": [{"name": "x", "url": "y"}, 7]}}), "page_changed"),
        (publisher.status(404), "moved"),
        (publisher.status(403), "refused"),
    ],
)
def test_an_answer_that_is_none_says_what_it_is(months, plan, outcome):
    months.host.plans["/api/3/action/package_show"] = plan
    found = look()
    assert (found.outcome, found.fetched) == (outcome, [])
