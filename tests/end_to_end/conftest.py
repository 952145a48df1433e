"""Jobs that the tests of this folder look at: one on the small sample, ended; one on real files and a few made-up returns, up."""

import contextlib
import os
import random
import signal
import subprocess
import time

import flow
import pytest
import receivers
from job import Job
from sizes import FULL, size
from standing import PERIOD, Standing


@pytest.fixture(scope="session")
def measured():
    """The receiver of the metrics of `sampled`."""
    with receivers.receiver() as received:
        yield received


@pytest.fixture(scope="session")
def traced():
    """The receiver of the lineage of `sampled`."""
    with receivers.receiver() as received:
        yield received


@pytest.fixture(scope="session")
def sampled(tmp_path_factory, measured, traced) -> tuple[Job, str]:
    """A job that has collected the sample, and what it said; in full size it was killed on the way (TB_TEST_KILLS times) and started again."""
    job = Job(tmp_path_factory.mktemp("job") / "state")
    job.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": measured.url, "OPENLINEAGE_URL": traced.url}
    job.environment["TB_HEARTBEAT_URL"] = f"{traced.url}/beat"
    moments = random.Random(os.environ.get("TB_TEST_KILLS_SEED", "7"))
    for _ in range(int(os.environ.get("TB_TEST_KILLS", size(0, 1)))):
        process = job.start("--once")
        time.sleep(moments.uniform(5, 40))
        job.kill(process)
    return job, job.once()


@pytest.fixture(scope="session")
def standing(shared_data, tmp_path_factory):
    """A job that has collected the real inbox, and the June returns of eight trusts of which one (RA9) is held."""
    folder = tmp_path_factory.mktemp("standing")
    inbox = folder / "inbox"
    subprocess.run([str(shared_data.parent / "real_inbox"), str(inbox)], check=True, capture_output=True)
    (inbox / "workforce").mkdir(exist_ok=True)
    for number, ods in enumerate(flow.TRUSTS):
        content = flow.workforce(ods, PERIOD, scale=1 + number / 10, change=_too_many if ods == "RA9" else list)
        (inbox / "workforce" / f"workforce_{ods}_{PERIOD}_v1.csv").write_bytes(content)
    job = Job(folder / "state")
    one = Standing(job, inbox)
    yield one
    killed = FULL and one.process.poll() == -signal.SIGKILL  # by the last test of the desk
    with contextlib.suppress(ProcessLookupError):
        os.kill(one.process.pid, signal.SIGINT)  # Ctrl-C, and nothing is left
    one.process.communicate(timeout=60)
    assert (killed or one.process.returncode == 0) and job.processes() == []


def _too_many(rows) -> None:
    """One cell too many: more FTE than heads."""
    rows[2]["fte"] = "500"
