"""`make test-cluster` in its full form, as make test-all runs it; .ci/run has the short one."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_the_cluster_of_compose_gives_what_local_executor_gives_through_two_deaths():
    run = Path(__file__).with_name("run.py")
    done = subprocess.run([sys.executable, run], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
