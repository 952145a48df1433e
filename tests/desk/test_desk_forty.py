"""Forty held returns of a month, each with a fault, are worked through on pages alone: how long the desk takes for it."""

import re

import flow
import pytest
from desk_world import PERIOD
from test_desk_bulk import Pages
from trust_benchmarks.ingest import expected_returns
from worlds import new_world

MANY, AT_MOST = 40, 15 * 60  # returns; seconds that the desk may take for all of them

pytestmark = pytest.mark.full


def a_word(rows) -> None:
    rows[0]["headcount"] = "many"


def short(rows) -> None:
    del rows[-1]


@pytest.fixture(scope="module")
def shared_world(services):
    """Held returns of two sorts: thirty with a word for a number, ten without a staff group; and five sound ones."""
    with new_world(services) as world:
        senders = [sender for sender, _ in expected_returns.who_is_expected("workforce", PERIOD)[0]]
        for number, ods in enumerate(senders[: MANY + 5]):
            change = a_word if number < 30 else short if number < MANY else lambda rows: None
            flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD, scale=1 + number / 50, change=change))
        flow.take_in()
        flow.release()
        yield world


@pytest.fixture(scope="module")
def returns():
    return {}


def test_forty_held_returns_are_sent_back_within_minutes(desk):
    assert flow.value("SELECT count(*) FROM intake.submissions WHERE state = 'held'") == MANY
    steward = Pages(desk, "steward")
    worked = 0
    for _ in range(6):
        steward.open("/queue?severity=hold")
        faults = re.findall(r"in ([0-9]+) returns</a>", steward.text)
        if not faults:
            break
        steward.follow(f"in {faults[0]} returns")
        steward.press("Preview together", {"kind": "return", "reason": "Please correct this and send it again."})
        assert steward.status == 200, steward.text
        steward.press("Return")
        assert "Your decisions have been saved." in steward.text
        worked += int(faults[0])
    flow.take_in()
    left = "SELECT count(*) FROM intake.turns WHERE state = 'held' AND turn <> 'trust'"
    assert flow.value(left) == 0 and worked >= MANY
    assert flow.value("SELECT count(DISTINCT submission_id) FROM intake.decisions WHERE kind = 'return'") == MANY
    print(f"{MANY} returns, {steward.clicks} clicks, {sum(steward.seconds):.1f} s of the desk's, {steward.seconds}")
    assert sum(steward.seconds) < AT_MOST
