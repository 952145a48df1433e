"""What Airflow sees of dags/: exactly these DAGs, parsed at once, each with what an operator expects of it."""

import pytest
from trust_benchmarks import catalogue
from trust_benchmarks_local import airflow as local_airflow
from trust_benchmarks_local.run import DAGS

from . import scripts
from .scripts import CHECKOUT, airflow_environment

COLLECTIONS = sorted(catalogue.all())


@pytest.fixture(scope="module")
def look(tmp_path_factory) -> dict:
    """What look.py found."""
    return scripts.run(
        "FOUND", "look.py", CHECKOUT / "dags", environment=airflow_environment(tmp_path_factory.mktemp("airflow"))
    )


def test_exactly_these_dags_are_there(look):
    # A missing folder gives no DAGs and no error: only the exact set proves anything.
    assert look["errors"] == {}
    assert sorted(look["dags"]) == sorted([f"collect_{name}" for name in COLLECTIONS] + sorted(DAGS))
    assert len(COLLECTIONS) >= 6


def test_parsing_is_quick_and_loads_nothing_heavy(look):
    assert look["heavy"] == [], "import it inside the task"
    # Processor time, which a busy machine does not stretch much; a tenth of this is usual.
    assert look["seconds"] < 1.0


def test_every_dag_says_what_it_is(look):
    for dag_id, dag in look["dags"].items():
        assert dag["described"], f"{dag_id} needs a description and a doc_md"
        assert dag["tags"], f"{dag_id} needs tags"
        assert not dag["catchup"], f"{dag_id} would run for every period since its start"


def test_every_task_has_an_owner_retries_a_limit_and_a_known_pool(look):
    pools = {"default_pool", *local_airflow.POOLS}
    for dag_id, dag in look["dags"].items():
        for task_id, task in dag["tasks"].items():
            where = f"{dag_id}.{task_id}"
            assert task["owner"] not in ("", "airflow"), where
            assert task["retries"] >= 1 and task["backs_off"], where
            assert task["limit"] and task["limit"] <= 3600, where
            assert task["pool"] in pools, f"{where}: the run makes the pools {sorted(pools)}"


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_collection_has_its_calendar_its_owner_and_one_mapped_task(look, name):
    dag = look["dags"][f"collect_{name}"]
    assert (dag["timetable"], dag["partitioned"]) == ("CollectionCalendar", True)
    # By one asset only: two rows may be pending for one partition when two feed it (apache/airflow 71070).
    assert dag["listens_to"] == [f"waiting_{name}"]
    assert set(dag["tasks"]) == {"receive", "check", "conclude", "request_benchmarks"}
    assert {task["owner"] for task in dag["tasks"].values()} == {catalogue.load(name).owner}
    assert [task_id for task_id, task in dag["tasks"].items() if task["mapped"]] == ["check"]
    assert dag["tasks"]["conclude"]["outlets"] == [f"records_{name}"]
    # Both are leaves: the run fails if a file was left over, and also if the benchmarks could not be asked for.
    assert dag["tasks"]["conclude"]["after"] == ["check", "receive"]
    assert dag["tasks"]["request_benchmarks"]["after"] == ["check"]
    assert dag["tasks"]["request_benchmarks"]["starts"] == "refresh_benchmarks"


def test_what_is_received_starts_the_collection_that_it_belongs_to(look):
    tasks = look["dags"]["receive_inbox"]["tasks"]
    assert {task_id: task["outlets"] for task_id, task in tasks.items()} == {
        f"receive_{name}": [f"waiting_{name}"] for name in COLLECTIONS
    } | {"announce_held": ["held_on_receipt"], "heartbeat": []}
    assert tasks["announce_held"]["after"] == sorted(f"receive_{name}" for name in COLLECTIONS)


def test_what_follows_from_what(look):
    dags = look["dags"]
    assert (
        dags["refresh_reference"]["tasks"]["refresh"]["outlets"]
        == dags["refresh_benchmarks"]["listens_to"]
        == ["reference"]
    )
    assert dags["refresh_benchmarks"]["tasks"]["conclude"]["outlets"] == ["releases"]
    assert dags["refresh_timeline"]["listens_to"] == ["held_on_receipt", "releases"]
    tasks = dags["refresh_benchmarks"]["tasks"]
    assert [task_id for task_id, task in tasks.items() if task["mapped"]] == ["make"]
    assert {name: task["after"] for name, task in tasks.items()} == {
        "rest": [],
        "stale": ["rest"],
        "make": ["stale"],
        "switch": ["make"],
        "held_back": ["switch"],  # red where somebody must look, and no leaf: it does not fail the run
        "conclude": ["switch"],  # what was made is told further, also when a batch failed
        "complete": ["make", "switch"],  # a leaf that is not reached then: the run is failed
        "export": ["held_back", "switch"],
    }
    # Events of a run that has a partition key never reach a DAG without partitions: nobody may rely on one.
    for dag_id, dag in dags.items():
        if not dag["partitioned"]:
            assert not [name for name in dag["listens_to"] if name.startswith("records_")], dag_id


def test_what_an_event_may_be_lost_for_has_a_schedule_of_its_own(look):
    """Events for a DAG of one active run may be lost while it runs (apache/airflow 56050); what it does follows from the ledger."""
    listening = {dag_id: dag["timetable"] for dag_id, dag in look["dags"].items() if dag["listens_to"]}
    others = {dag_id: kind for dag_id, kind in listening.items() if not dag_id.startswith("collect_")}
    assert len(others) >= 2 and set(others.values()) == {"AssetOrTimeSchedule"}
