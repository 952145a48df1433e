"""DAGs that the run of the whole job (tests/end_to_end) does not come to are run here, on real stores, by dag.test()."""

import json
import subprocess
import sys
from pathlib import Path

import flow
import pytest

from .test_dags import CHECKOUT, airflow_environment

HERE = Path(__file__).parent
# tests/end_to_end/test_job.py makes sure that the others were run by a real scheduler.
RUN_HERE = ("refresh_reference", "send_digests", "housekeeping")
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def ended(shared_world, tmp_path_factory) -> dict:
    """How the tasks of each DAG ended, on a warehouse that has a submission."""
    flow.put("workforce/workforce_RA9_2025-06_v1.csv", flow.workforce("RA9", "2025-06"))
    flow.take_in()
    done = subprocess.run(
        [sys.executable, HERE / "run_dags.py", CHECKOUT / "dags", *RUN_HERE],
        env={**airflow_environment(tmp_path_factory.mktemp("airflow")), **shared_world},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("ENDED ")]
    assert found, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(found[-1].removeprefix("ENDED "))


def test_reference_data_is_loaded(ended):
    assert ended["refresh_reference"] == {"run": "success", "tasks": {"refresh": "success"}}


def test_housekeeping_sweeps(ended):
    assert ended["housekeeping"] == {"run": "success", "tasks": {"sweep": "success"}}


def test_nobody_gets_a_digest_where_no_people_are_named(ended):
    assert ended["send_digests"]["run"] == "success"
    assert set(ended["send_digests"]["tasks"].values()) == {"skipped"}
