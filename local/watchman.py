"""Ends what a run of this state folder leaves behind when its own process is killed.

Run as `python -m trust_benchmarks_local.watchman FOLDER RUN SECONDS`: it waits for its standard input to end, which happens when the process
that started it has gone, however it went. The kernel tells only the run's own children of that; some of theirs would live on.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from trust_benchmarks_local import postgres, processes

PATIENCE = 10.0  # seconds until those that were asked to stop are killed


def start(folder: Path, patience: float = PATIENCE) -> subprocess.Popen[bytes]:
    """Starts one for the run of this process."""
    return subprocess.Popen(
        [sys.executable, "-m", "trust_benchmarks_local.watchman", str(folder), processes.THIS_RUN, str(patience)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def dismiss(watchman: subprocess.Popen[bytes]) -> None:
    """Lets it go when everything has stopped."""
    if watchman.stdin:
        watchman.stdin.close()
    watchman.wait()


def main() -> None:
    """Wait for the end of the run, then end what is left of it."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
    folder, run, patience = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    sys.stdin.buffer.read()
    # Named now: a run that is started in the meantime has a PostgreSQL of its own on the same data.
    servers = [(pid, processes.began(pid)) for pid in postgres.servers(folder / "data" / "postgres")]
    give_up = time.monotonic() + patience
    sign = signal.SIGTERM
    while left := [*processes.marked(folder, run), *(pid for pid, began in servers if processes.began(pid) == began)]:
        if time.monotonic() > give_up:
            sign = signal.SIGKILL
        for pid in left:
            # PostgreSQL was asked by the kernel, and a second word would mean something else to it.
            if sign is signal.SIGKILL or all(pid != server for server, _ in servers):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, sign)
        if sign is signal.SIGKILL and time.monotonic() > give_up + patience:
            return
        time.sleep(0.2)


if __name__ == "__main__":
    main()
