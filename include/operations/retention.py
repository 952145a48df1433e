"""Removes what is not needed for ever: exports of releases long replaced, logs of tasks, and Airflow's own records of its runs.

Files as sent, records, what was found, decided and published are facts and stay. A number of days of 0 keeps everything.
"""

import contextlib
import logging
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .. import sql
from ..stores import log, objects, settings, warehouse

logger = logging.getLogger(__name__)
DAY = 86_400  # seconds
YOUNG = timedelta(days=2)  # an export may be under way
# Days, by the variable that says otherwise.
KEPT = {
    "TB_KEEP_RELEASES_DAYS": 90,  # that were never published
    "TB_KEEP_EXPORTS_DAYS": 400,  # after another release took its place
    "TB_KEEP_LOGS_DAYS": 30,
    "TB_KEEP_RUNS_DAYS": 90,  # in Airflow's database
}


def days(name: str) -> int:
    """How many days something is kept: the variable, or its default.

    Raises:
        ValueError: the variable is no number of days.
    """
    given = os.environ.get(name, "")
    if not given:
        return KEPT[name]
    if not given.isascii() or not given.isdigit():
        raise ValueError(f"{name} is '{given}'. Expected a number of days, such as {KEPT[name]}; 0 keeps everything.")
    return int(given)


def forget_exports(kept: int) -> int:
    """Removes the exports of releases that were replaced so many days ago; returns how many releases.

    One that becomes current again is exported anew by the next run.
    """
    if not kept:
        return 0
    bucket = settings.load().exports
    folders: dict[str, list[str]] = {}
    newest: dict[str, datetime] = {}
    for one in objects.listing(bucket):
        release_id = one.key.split("/", 1)[0]
        folders.setdefault(release_id, []).append(one.key)
        newest[release_id] = max(newest.get(release_id, one.modified), one.modified)
    with warehouse.connect() as connection:
        given = {"releases": list(folders), "days": kept}
        old = [release_id for (release_id,) in connection.execute(sql.text("operations/old_exports"), given)]
    gone = [one for one in old if newest[one] < datetime.now(UTC) - YOUNG]
    for release_id in gone:
        # What says that the folder is whole goes first.
        keys = sorted(folders[release_id], key=lambda key: not key.endswith("/datapackage.json"))
        objects.delete(bucket, keys[:1])
        objects.delete(bucket, keys[1:])
    log.line(logger, "exports_forgotten", releases=len(gone), days=kept)
    return len(gone)


def remove_logs(folder: Path, kept: int) -> int:
    """Removes log files below a folder that nobody has written to for so many days, and folders left empty; returns how many files."""
    if not kept:
        return 0
    before, removed = time.time() - kept * DAY, 0
    for at, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(at, name)
            with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
                if path.suffix in (".log", ".json") and not path.is_symlink() and path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
        with contextlib.suppress(OSError):  # not empty
            if Path(at) != folder and Path(at).stat().st_mtime < before:
                Path(at).rmdir()
    log.line(logger, "logs_removed", files=removed, days=kept)
    return removed


def clean_airflow(database: str, kept: int) -> None:
    """Removes what Airflow's database holds of runs so many days ago, by Airflow's own `airflow db clean`.

    Args:
        database: its SQLAlchemy address; a task has none of its own.

    Raises:
        RuntimeError: Airflow could not; the message has its last words.
    """
    if not kept:
        return
    before = (datetime.now(UTC) - timedelta(days=kept)).isoformat(timespec="seconds")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("_AIRFLOW", "__AIRFLOW"))}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "airflow", "db", "clean", "--yes", "--skip-archive", "--error-on-cleanup-failure"),
            *("--batch-size", "10000", "--clean-before-timestamp", before),
        ],
        env=own | {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(f"`airflow db clean` did not succeed: {words[-1] if words else 'no reason given'}")
    log.line(logger, "airflow_cleaned", days=kept)
