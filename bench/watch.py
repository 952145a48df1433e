"""A stopwatch for named steps, and the most memory that a process has held."""

import contextlib
import time
from collections.abc import Iterator


class Watch:
    """Seconds by step: `with watch("read"): ...`; a step that comes again adds up."""

    def __init__(self):
        self.steps: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.steps[step] = self.steps.get(step, 0.0) + time.perf_counter() - start


def peak_mb() -> float:
    """The most memory (MB) that this process has held. Not ru_maxrss: that starts with what the parent held."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
