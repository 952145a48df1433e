"""How much room a run needs on the disk of its state folder, how much there is, and what is said where there is too little."""

import contextlib
import errno
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import psycopg
from trust_benchmarks_local import Trouble, postgres

MB = 1 << 20
# What a run without any file keeps: PostgreSQL with two databases, Airflow's and the S3 server's files.
EMPTY = 110 * MB
# What becomes of a file: as sent, archived, its records and their copy in the cache, its rows in the warehouse, its export.
TIMES = 6
# PostgreSQL's log of changes, which it cuts now and then: what is there always, and what a file adds to it.
LOG, LOG_TIMES = 64 * MB, 20
# A run stops while there is still this much, so that PostgreSQL can write what it must before it ends. The S3 server stores
# nothing any more below one percent of the disk.
LEAST, LEAST_SHARE = 64 * MB, 0.012
ENOUGH = 2  # times the least before a run that waits for room goes on


class Full(Trouble):
    """The disk of the state folder is full, or so nearly that the run stops before it is."""


def needed(folder: Path, files: Iterable[Path]) -> int:
    """Bytes that a run of these files needs, of which a state folder that was used before holds some already."""
    given = sum(file.stat().st_size for file in files if file.exists())
    return EMPTY + min(LOG + LOG_TIMES * given, postgres.log_size(folder) * MB) + TIMES * given


def used(folder: Path) -> int:
    """Bytes that a folder takes on its disk."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or PostgreSQL's own
            total += path.lstat().st_blocks * 512
    return total


def free(folder: Path) -> int:
    """Bytes that are free on its disk."""
    return shutil.disk_usage(folder).free


def least(folder: Path) -> int:
    """Bytes that must be free on the disk of this folder for anything to go on."""
    return max(LEAST, int(LEAST_SHARE * shutil.disk_usage(folder).total))


def is_full(folder: Path, times: float = 1.0) -> bool:
    """Whether less is free than the least, or than that many times the least."""
    return shutil.disk_usage(folder).free < times * least(folder)


def check(folder: Path) -> None:
    """Raises Full where too little is free for anything to go on."""
    if is_full(folder):
        raise full(folder)


def full(folder: Path) -> Full:
    """The sentence for a disk that is full."""
    disk = shutil.disk_usage(folder)
    return Full(
        f"The disk of {folder} is full: {size(disk.free)} of {size(disk.total)} is free, and {size(least(folder))} is the least "
        "that must be. What was collected is kept. Make room; the next start goes on from there."
    )


def is_about_space(problem: BaseException) -> bool:
    """Whether an exception says that a disk or a quota is full."""
    if isinstance(problem, psycopg.errors.DiskFull):
        return True
    return isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT)


def wait_for_room(folder: Path) -> None:
    """Waits until there is enough room to go on."""
    while is_full(folder, ENOUGH):
        time.sleep(1)


def size(number: int) -> str:
    """A number of bytes for a person: 12 MB or 1.4 GB."""
    return f"{number / 1e6:.0f} MB" if number < 999.5e6 else f"{number / 1e9:.1f} GB"
