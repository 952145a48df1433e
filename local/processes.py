"""Starts child processes that cannot outlive the run, stops them in order, and ends what a killed run left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trust_benchmarks_local import Trouble

LAUNCH = Path(__file__).with_name("launch.py")
MARK = "TB_RUN_OF"  # every child inherits MARK=<state folder>: that is how its grandchildren are found
RUN = "TB_RUN"  # and RUN=<this process>, which tells one run of a folder from the next
THIS_RUN = f"{os.getpid()}-{time.time_ns()}"


@dataclass
class Child:
    """One program of the run: what it is called in messages, its process, its log, and how it is asked to stop."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 20.0
    asked: bool = field(default=False)
    ended: bool = field(default=False)

    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def last_words(self) -> str:
        """The last line of its log that says something."""
        return last_line(self.log)

    def how_it_ended(self) -> str:
        """In words, for one that ended by itself."""
        status = self.process.returncode
        how = f"was killed by signal {-status}" if status is not None and status < 0 else f"ended by itself ({status})"
        return f"{self.name} {how}. Its last words: {self.last_words() or 'none'}. Its log: {self.log}"

    def ask(self) -> None:
        """Ask it to stop; only once, because a second time means "at once" to some and confuses others."""
        if not self.asked and self.alive():
            self.asked = True
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Ask, wait, then insist; its whole process group goes with it."""
        if self.alive():
            self.ask()
            try:
                self.process.wait(self.patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.ended = True


def start(
    name: str,
    command: list[str | Path],
    log: Path,
    folder: Path,
    *,
    environment: dict[str, str] | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    death_signal: signal.Signals | None = None,
    as_who: str | None = None,
    patience: float = 20.0,
) -> Child:
    """Start a program in a process group of its own, its output appended to `log`.

    `death_signal` (stop_signal if None) is what the kernel sends it when this process dies.
    Call it from the main thread: the kernel watches the thread that started the child, not the process.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as out:
        process = subprocess.Popen(
            launched(command, death_signal or stop_signal, as_who),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            # SPT_NOENV: process titles must not overwrite the environment, which carries the mark.
            env={
                **(os.environ if environment is None else environment),
                MARK: str(folder),
                RUN: THIS_RUN,
                "SPT_NOENV": "1",
            },
            start_new_session=True,
        )
    return Child(name, process, log, stop_signal, patience)


def launched(command: Sequence[str | Path], death_signal: signal.Signals, as_who: str | None = None) -> list[str]:
    """The command behind launch.py; `as_who` is None (as we are), 'namespace' or 'UID:GID'."""
    return [
        sys.executable,
        *("-I", "-S", str(LAUNCH)),
        *([f"--as={as_who}"] if as_who else []),
        death_signal.name,
        *map(str, command),
    ]


def wait_until(ready: Callable[[], bool], child: Child, seconds: float, every: float = 0.1) -> None:
    """Wait until ready() is true. Raises Trouble when the child ends or the time is over."""
    give_up = time.monotonic() + seconds
    while not ready():
        if not child.alive():
            raise Trouble(f"{child.name} ended at once: {child.last_words()}. Its log: {child.log}")
        if time.monotonic() > give_up:
            raise Trouble(f"{child.name} did not answer within {seconds:.0f} s: {child.last_words()}. Log: {child.log}")
        time.sleep(every)


def last_line(log: Path) -> str:
    """The last line of a file that is not empty; '' when there is none."""
    try:
        with open(log, "rb") as lines:
            lines.seek(max(0, log.stat().st_size - 8192))
            words = [line.strip() for line in lines.read().decode(errors="replace").splitlines() if line.strip()]
    except FileNotFoundError:
        return ""
    return words[-1] if words else ""


def marked(folder: Path, run: str | None = None) -> Iterator[int]:
    """Living processes, other than this one, that a run of this state folder started, or only this run (Linux only).

    Not PostgreSQL's: postgres.py ends those, in PostgreSQL's own way.
    """
    mark = {f"{MARK}={folder}".encode()} | ({f"{RUN}={run}".encode()} if run else set())
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(entry.name)
            if (entry / "comm").read_text().strip() == "postgres":
                continue
            if pid == os.getpid() or not mark <= set((entry / "environ").read_bytes().split(b"\0")):
                continue
            if (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                yield pid


def began(pid: int) -> int | None:
    """When a living process began, in the kernel's ticks, which tells it from a later one of its number; None: it is gone."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if status[0] == "Z" else int(status[19])
    return None


def wanted_seconds(pids: Iterable[int]) -> float:
    """Seconds that these processes and what they started ran, or waited for a processor that others had (Linux; else 0)."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    total, todo = 0, list(pids)
    while todo:
        pid = todo.pop()
        todo += children.get(pid, [])
        with contextlib.suppress(OSError, ValueError):
            total += sum(map(int, Path(f"/proc/{pid}/schedstat").read_text().split()[:2]))
    return total / 1e9


def end_orphans(folder: Path, patience: float = 3.0) -> int:
    """End what is left of a run of this folder; returns how many there were. Only while holding the folder's lock."""
    found: set[int] = set()
    give_up = time.monotonic() + patience
    sign = signal.SIGTERM
    while left := set(marked(folder)):
        if time.monotonic() > give_up:
            sign = signal.SIGKILL
        for pid in left - found if sign is signal.SIGTERM else left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, sign)
        found |= left
        if time.monotonic() > give_up + 5:
            raise Trouble(f"Processes {sorted(left)} of an earlier run cannot be ended. End them, then start again.")
        time.sleep(0.1)
    return len(found)
