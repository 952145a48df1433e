"""What all tests share."""

import os
import shutil
import tempfile
from pathlib import Path

import browser as browsers
import psutil
import pytest
from browser import browser  # noqa: F401 (a fixture for all)
from mail_server import post  # noqa: F401 (a fixture for all)
from sizes import FULL
from worlds import FREE_BUCKETS, environment, new_world

MEMORY = Path("/dev/shm")
HOLDS, NEEDS = 4 << 30, 12 << 30  # more than the tests were seen to keep there (1 GB), and to use with that (7 GB)


def _keep_in_memory() -> None:
    """Has temporary files kept in memory where there is plenty, for a third of these tests' time goes into making and removing files.

    A run that is killed leaves them in /dev/shm as it would in /tmp, until somebody removes them.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return
    if shutil.disk_usage(MEMORY).free > HOLDS and psutil.virtual_memory().available > NEEDS:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


_keep_in_memory()


@pytest.fixture(autouse=True, scope="session")
def files_are_opened_in_this_process():
    """So that tests can patch what opens them; those of the child process itself ask for `in_child_process`."""
    from trust_benchmarks.stores import child_process

    child_process.in_this_process = True


@pytest.fixture
def in_child_process(files_are_opened_in_this_process):
    """Files are opened as in production."""
    from trust_benchmarks.stores import child_process

    child_process.in_this_process = False
    yield
    child_process.in_this_process = True
    child_process.stop()


NO_SHARED = (
    "The real published files are not here. Put the folder 'shared' beside the checkout, or name it in TB_SHARED."
)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real published files: `data` in the folder TB_SHARED names, else in `shared` beside the checkout."""
    shared = (
        Path(os.environ["TB_SHARED"]) if "TB_SHARED" in os.environ else Path(__file__).resolve().parents[2] / "shared"
    )
    folder = shared / "data"
    if not folder.is_dir():
        # Where checks run, a test that does not run must not pass for one that does.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_SHARED)
    return folder


@pytest.fixture(scope="session")
def services():
    """PostgreSQL and the S3 server of this test session, in a folder of their own; their settings by name.

    The warehouse of these settings is migrated, has the reference data, and is what `new_world` copies: leave it alone.
    """
    from trust_benchmarks_local import objects, postgres
    from trust_benchmarks_local.services import started
    from trust_benchmarks_local.state import State

    # These tests kill programs, and pull no plug: what was written is there without waiting for the disk.
    postgres.OPTIONS |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    objects.SUFFIX = "*"  # each world has buckets of its own
    # Not pytest's folder: where the tests run as root, PostgreSQL's user must be able to pass through.
    with tempfile.TemporaryDirectory(prefix="trust-benchmarks-", ignore_cleanup_errors=True) as folder:
        state = State(Path(folder) / "state").open()
        with started(state), environment(state.settings):
            from trust_benchmarks.ingest import reference_load
            from trust_benchmarks.stores import warehouse

            warehouse.migrate()
            reference_load.refresh()
            yield dict(state.settings)
    FREE_BUCKETS.clear()


@pytest.fixture
def world(services):
    """Fresh stores for one test; see `new_world`."""
    with new_world(services) as settings:
        yield settings


@pytest.fixture(scope="module")
def shared_world(services):
    """Fresh stores for the tests of one module, which share them; see `new_world`. Not together with `world`."""
    with new_world(services) as settings:
        yield settings


# What takes longest begins first, so that no worker is left with it at the end.
LONG_FIRST = ("end_to_end", "desk", "stewardship", "pipeline", "releases", "local", "cli")


def pytest_collection_modifyitems(config, items):
    """What is run, and in what order: the tests of one file stay in theirs, for some build on one another."""
    if not FULL:
        kept = [item for item in items if not item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("full")])
        items[:] = kept

    def place(item) -> int:
        folder = item.path.parent.name
        return LONG_FIRST.index(folder) if folder in LONG_FIRST else len(LONG_FIRST)

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Gives out files, and the end-to-end tests as one: each of those has a whole Airflow, and one at a time is enough."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return "end to end" if "end_to_end/" in file else file

    return ByFile(config, log)


LAST_LINES = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter, config):
    """Notes which tests could not run and why, and that some tests are left to `make test-all`."""
    unshared = sum(NO_SHARED in str(one.longrepr) for one in terminalreporter.stats.get("skipped", []))
    lines = [
        browsers.why_not(terminalreporter.stats),
        f"{unshared} tests were skipped. {NO_SHARED}" if unshared else "",
    ]
    config.stash[LAST_LINES] = list(filter(None, lines))
    if not FULL:
        terminalreporter.write_line("Tests marked 'full' are left to make test-all, and others ran in small size.")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """Says so in the last lines, below pytest's own."""
    for line in config.stash.get(LAST_LINES, []):
        print(line, flush=True)
