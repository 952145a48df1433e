"""Asset events that Airflow loses, doubles or leaves pending: whatever waits is collected by the next schedule at the latest.

Known in Airflow 3.3: events lost while a DAG of one active run is busy (apache/airflow 56050), runs doubled by two schedulers (68045),
two pending rows for one partition fed by two assets (71070; test_dags.py sees to it that there is one).
"""

import flow
import pytest

from . import scripts
from .scripts import CHECKOUT, airflow_environment

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def played(shared_world, tmp_path_factory) -> dict:
    """What play_events.py announced and collected, for one return that has arrived."""
    flow.put("workforce/workforce_RA9_2025-06_v1.csv", flow.workforce("RA9", "2025-06"))
    own = airflow_environment(tmp_path_factory.mktemp("airflow")) | shared_world
    return scripts.run("PLAYED", "play_events.py", CHECKOUT / "dags", environment=own, seconds=240)


def test_an_arrival_whose_event_was_lost_is_announced_again_by_the_next_schedule(played):
    assert played["arrived"] == played["its event was lost"] == ["2025-06"]


def test_one_that_is_pending_is_announced_when_no_run_of_its_collection_is_under_way(played):
    assert "are being collected" in played["its event is pending beside a run"]
    assert played["that run ended without it"] == ["2025-06"]


def test_a_doubled_run_finds_nothing_left_and_changes_nothing(played):
    assert played["collected"]["accepted"] == 1
    assert not played["collected by a doubled run"].get("accepted")
    assert played["nothing is left"] == "Nothing of workforce is waiting."
    [(submissions, records)] = flow.rows(
        "SELECT count(*), sum(rows_recorded) FROM intake.submissions WHERE collection = 'workforce'"
    )
    assert (submissions, records) == (1, 10)
