"""DAGs that the run of the whole job (tests/end_to_end) does not come to are run here, on real stores, by dag.test()."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import flow
import pytest
from trust_benchmarks.sources import declared

from .test_dags import CHECKOUT, airflow_environment

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "sources"))
import made  # noqa: E402
import publisher  # noqa: E402

# tests/end_to_end/test_job.py makes sure that the others were run by a real scheduler.
RUN_HERE = {
    "refresh_reference": None,
    "send_digests": None,
    "housekeeping": None,
    "fetch_published": {"collection": "medicines_stock"},
}
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def ended(shared_world, tmp_path_factory) -> dict:
    """How the tasks of each DAG ended, on a warehouse that has a submission."""
    flow.put("workforce/workforce_RA9_2025-06_v1.csv", flow.workforce("RA9", "2025-06"))
    flow.take_in()
    with publisher.hosts("opendata.nhsbsa.net") as (playing, setting):
        portal = publisher.Portal(playing["opendata.nhsbsa.net"])
        month = declared.named("medicines_stock/provisional").newest_due(datetime.now(UTC))
        name = f"SCMD_PROVISIONAL_{month.replace('-', '')}"
        portal.put("secondary-care-medicines-data-indicative-price", name, made.scmd(month))
        manners = {"TB_FETCH_CONTACT": "data@example.org", "TB_FETCH_PLAYED": setting, "TB_FETCH_PAUSE": "0.001"}
        own = airflow_environment(tmp_path_factory.mktemp("airflow"))
        manners["TB_AIRFLOW_DATABASE_URL"] = own["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
        done = subprocess.run(
            [sys.executable, HERE / "run_dags.py", CHECKOUT / "dags", json.dumps(RUN_HERE)],
            env={**own, **shared_world, **manners},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    found = [line for line in done.stdout.splitlines() if line.startswith("ENDED ")]
    assert found, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(found[-1].removeprefix("ENDED "))


def test_reference_data_is_loaded(ended):
    assert ended["refresh_reference"] == {"run": "success", "tasks": {"refresh": "success"}, "looks": {}}


def test_housekeeping_sweeps_and_airflow_forgets_what_is_old(ended):
    tasks = dict.fromkeys(("sweep", "prune", "exports", "logs", "runs"), "success")
    assert ended["housekeeping"] == {"run": "success", "tasks": tasks, "looks": {}}
    assert ended["log"] == ["new"]


def test_nobody_gets_a_digest_where_no_people_are_named(ended):
    assert ended["send_digests"]["run"] == "success"
    assert set(ended["send_digests"]["tasks"].values()) == {"skipped"}


def test_publishers_are_looked_at_and_a_look_is_red_where_a_person_must_act(ended):
    # The portal has no package of final months: that look is red, and the other one fetched.
    found = ended["fetch_published"]
    assert found["run"] == "failed"
    assert found["looks"] == {"medicines_stock/final": "failed", "medicines_stock/provisional": "success"}
    looks = flow.rows("SELECT source, outcome, fetched FROM intake.source_looks ORDER BY 1")
    assert [(one[0], one[2]) for one in looks] == [("final", 0), ("provisional", 1)]
    assert looks[0][1] == "moved"
