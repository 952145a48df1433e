"""The API asked by schemathesis: what its description allows and what it does not, each answer held against the description."""

import os
import subprocess
import sys
from pathlib import Path

import flow
import pytest
from served import COMMERCIAL, served
from test_as_at import MADE, make
from trust_benchmarks.stores import warehouse

FULL = os.environ.get("TB_TEST_FULL") == "1"
# In small size a few tables, each of another kind of column.
SMALL = ("list", "reasons", "metrics")


@pytest.fixture(scope="module", autouse=True)
def address(shared_world):
    for ods in flow.TRUSTS[:6]:
        flow.put_return(ods, "2025-06", flow.workforce(ods, "2025-06"))
    flow.take_in()
    flow.release()
    with warehouse.connect() as connection:
        make(connection, "made_up-1", 4.5)
        flow.point(connection, *MADE, "made_up-1")
    with served() as url:
        yield url


def test_schemathesis_finds_nothing(address, tmp_path):
    command = [Path(sys.executable).with_name("st"), "run", f"{address}/openapi.json"]
    command += ["--url", address.removesuffix("/api/v1"), "--header", f"Authorization: Bearer {COMMERCIAL}"]
    command += ["--generation-deterministic", "--generation-database", "none", "--continue-on-failure", "--no-color"]
    command += os.environ.get("ST_MORE", "").split()
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    print(ran.stdout[-25000:])
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
