"""A stopwatch for named steps, and the most memory that a process has held."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path


class Watch:
    """Seconds by step: `with watch("read"): ...`; a step that comes again adds up.

    Attributes:
        steps: seconds that passed.
        cpu: seconds of processor time of this process and all below it, servers included: on a busy machine they tell more.
    """

    def __init__(self):
        self.steps: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        used, start = cpu_seconds(), time.perf_counter()
        try:
            yield
        finally:
            self.steps[step] = self.steps.get(step, 0.0) + time.perf_counter() - start
            self.cpu[step] = self.cpu.get(step, 0.0) + cpu_seconds() - used


def cpu_seconds() -> float:
    """Processor time that this process and all below it have used, ended ones included."""
    parents, used = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended since
            fields = path.read_text().rsplit(")", 1)[1].split()
            parents[int(path.parent.name)], used[int(path.parent.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    ours = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(used.get(process, 0) for process in ours) / os.sysconf("SC_CLK_TCK")


def peak_mb() -> float:
    """The most memory (MB) that this process has held. Not ru_maxrss: that starts with what the parent held."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
