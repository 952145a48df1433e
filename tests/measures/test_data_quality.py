"""What a return was when it came is what its measures of data quality say, whatever is decided and whatever else is sent."""

from datetime import date, timedelta

import flow
import pytest
from trust_benchmarks.stewardship import decisions
from trust_benchmarks.stewardship.decisions import Draft
from trust_benchmarks.stores import objects, settings, warehouse
from worlds import copy_of

PERIOD = "2025-06"
LATER = date.today() + timedelta(days=30)
ON_TIME, LATE = "2025-07-02T09:00:00+00:00", "2025-09-30T09:00:00+00:00"


def wrong(rows):
    rows[2]["fte"] = "500"


def one_blank(rows):
    rows[2]["fte"] = ""


@pytest.fixture(scope="module")
def sent(shared_world):
    """RA9's return is held for one cell, RHA's is sound, that of RNU lacks a value, and RP7's has a value that is unusual."""
    changes = {"RA9": wrong, "RHA": list, "RNU": one_blank, "RP7": lambda rows: rows[1].update(bank_pay_gbp="-1")}
    for ods, change in changes.items():
        flow.put(
            f"workforce/workforce_{ods}_{PERIOD}_v1.csv", flow.workforce(ods, PERIOD, change=change), arrived=ON_TIME
        )
    flow.take_in()
    flow.release()
    return shared_world


@pytest.fixture
def month(sent):
    """The same for one test alone; the inbox is shared, so what a test puts there goes again."""
    inbox = settings.load().inbox
    before = {entry.key for entry in objects.listing(inbox, "workforce/")}
    with copy_of(sent) as world:
        yield world
        objects.delete(inbox, [e.key for e in objects.listing(inbox, "workforce/") if e.key not in before])


def scores() -> dict[tuple[str, str], float | None]:
    return {
        (metric, code): value
        for metric, code, value in flow.rows(
            "SELECT metric_id, provider_code, value FROM published.measures WHERE metric_id LIKE 'DQ%%' AND period = %s",
            [PERIOD],
        )
    }


def submission(ods="RA9", version=1) -> str:
    return flow.value(
        "SELECT submission_id FROM intake.submissions WHERE sender = %s AND version = %s AND period = %s",
        [ods, version, PERIOD],
    )


def decide(draft: Draft) -> int:
    with warehouse.connect("steward_desk") as connection:
        number = decisions.decide(connection, draft, "amy")
    with warehouse.connect("steward_desk") as connection:
        decisions.verdict(connection, number, "ben", True)
    flow.take_in()
    flow.release()
    return number


def cells(ods="RA9", rule="WF-R1"):
    with warehouse.connect("steward_desk") as connection:
        return decisions.cells_of(connection, submission(ods), rule)


def correction() -> Draft:
    return Draft(
        "correct",
        submission(),
        "A digit too many.",
        rule_id="WF-R1",
        cells=cells(),
        new_value="108.0",
        value_source="Mail",
    )


def waiver() -> Draft:
    return Draft("waive", submission(), "Known.", rule_id="WF-R1", cells=cells(), until=LATER)


@pytest.mark.parametrize("draft", [lambda: Draft("accept", submission(), "By telephone."), waiver, correction])
def test_no_decision_moves_a_measure_of_data_quality_and_neither_does_undoing_it(month, draft):
    before = scores()
    assert before["DQ02", "RA9"] == 0 and before["DQ02", "RHA"] == 100
    number = decide(draft())
    assert flow.value("SELECT count(*) FROM core.counting WHERE sender = 'RA9'") == 1, "it counts"
    assert scores() == before
    decide(Draft("undo", submission(), "It was the wrong trust.", undoes=number))
    assert scores() == before


def test_a_return_on_hold_keeps_its_scores(month):
    before = scores()
    decide(Draft("hold", submission("RHA"), "The trust rang."))
    assert flow.value("SELECT count(*) FROM core.counting WHERE sender = 'RHA'") == 0
    assert scores() == before


def test_a_version_that_a_decision_on_an_earlier_one_lets_count_is_told_by_itself(month):
    decide(waiver())
    before = scores()

    def reversed_and_wrong(rows):
        wrong(rows)
        rows.reverse()

    content = flow.workforce("RA9", PERIOD, change=reversed_and_wrong)
    flow.put(f"workforce/workforce_RA9_{PERIOD}_v2.csv", content, arrived=LATE)
    flow.take_in()
    flow.release()
    found = flow.rows(
        """SELECT v.outcome, v.plain_outcome, v.plain_cells_expected FROM core.validation v JOIN core.submission s USING (submission_id)
           WHERE s.sender = 'RA9' AND s.version = 2 AND v.decisions <> '{}'"""
    )
    ((outcome, plain, expected),) = found
    assert outcome != "held" and plain == "held" and expected > 0
    now = scores()
    assert now.pop(("DQ04", "RA9")) > before.pop(("DQ04", "RA9")), "it was sent again"
    assert now == before


HEADER = flow.workforce().splitlines()[0]
NO_RETURNS = {
    "empty": b"",
    "heading alone": HEADER + b"\n",
    "random": bytes(range(256)) * 8,
    "another table": b"name,colour\nsnow,white\n",
}


@pytest.mark.parametrize("content", NO_RETURNS.values(), ids=NO_RETURNS)
def test_a_file_that_is_not_the_return_is_not_on_time_and_a_good_one_counts_by_its_own_time(month, content):
    def send(version, content, arrived):
        flow.put(f"workforce/workforce_RT5_{PERIOD}_v{version}.csv", content, arrived=arrived)
        flow.take_in()
        flow.release()
        found = scores()
        return found["DQ01", "RT5"], found["DQ02", "RT5"]

    assert send(1, content, ON_TIME) == (0, 0)
    assert send(2, flow.workforce("RT5", PERIOD, scale=1.1), LATE) == (0, 0)
    assert send(3, flow.workforce("RT5", PERIOD, scale=1.2), ON_TIME) == (100, 0)


def test_what_is_wrong_in_places_is_still_the_return_and_what_is_all_anothers_is_not():
    name = f"workforce_RA9_{PERIOD}.csv"

    def identified(content, name=name):
        return flow.checked(content, name, "workforce").identified

    assert identified(flow.workforce("RA9", PERIOD)) and identified(flow.workforce("RA9", PERIOD, change=wrong))
    assert identified(flow.workforce("RA9", PERIOD, change=lambda rows: rows[0].update(ods_code="RHA")))
    assert not identified(flow.workforce("RHA", PERIOD)) and not identified(flow.workforce("RA9", "2025-05"))
