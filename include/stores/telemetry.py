"""Who else hears of a line of the log: metrics (metrics.py) and lineage (lineage.py), each off unless its receiver is named.

Neither may slow or fail what is logged: a thread sends, and what goes wrong is one line of the log a process.
"""

import atexit
import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from . import lineage, metrics

logger = logging.getLogger(__name__)


class Listener(Protocol):
    """A module that hears of events."""

    __name__: str

    def is_on(self) -> bool:
        """Whether its receiver is named."""

    def record(self, event: str, facts: Mapping[str, object], level: int) -> None:
        """Notes an event; returns at once."""

    def send(self) -> None:
        """Sends what was noted; takes as long as the receiver does."""


LISTENERS: tuple[Listener, ...] = (metrics, lineage)
LAST = 5.0  # seconds at most that a process waits at its end for what was not sent yet
# Once that was too little, the next processes of this machine wait for no longer than this, for so many seconds.
LITTLE, SLOW_FOR = 0.5, 60.0
_broken: set[str] = set()


def is_on() -> bool:
    """Whether anybody hears."""
    return any(one.is_on() for one in LISTENERS)


def tell(event: str, facts: Mapping[str, object], level: int) -> None:
    """Tells those that are on of an event, its facts and its level in `logging`."""
    for listener in LISTENERS:
        try:
            listener.record(event, facts, level)
        except Exception as problem:  # whatever a library raises
            _note(listener.__name__, problem)


def flush(seconds: float | None = None) -> None:
    """Sends what was not sent yet, and gives up after so many seconds (None: five, and hardly any while the receiver is slow)."""
    threads = [threading.Thread(target=_send, args=[one], daemon=True) for one in LISTENERS if one.is_on()]
    if not threads:
        return
    if seconds is None:
        seconds = LITTLE if _is_slow() else LAST
    give_up = time.monotonic() + seconds
    for thread in threads:
        with contextlib.suppress(RuntimeError):  # Python starts none when it has begun to end
            thread.start()
    for thread in threads:
        if thread.ident:
            thread.join(max(0.0, give_up - time.monotonic()))
    if any(thread.is_alive() for thread in threads) and seconds == LAST:
        with contextlib.suppress(OSError):
            _mark().touch()


def _mark() -> Path:
    return Path(os.environ.get("TB_CACHE") or tempfile.gettempdir()) / ".telemetry-is-slow"


def _is_slow() -> bool:
    with contextlib.suppress(OSError):
        return time.time() - _mark().stat().st_mtime < SLOW_FOR
    return False


def _send(listener: Listener) -> None:
    try:
        listener.send()
    except Exception as problem:
        _note(listener.__name__, problem)


def _note(name: str, problem: BaseException) -> None:
    if name not in _broken:
        _broken.add(name)
        logger.warning("%s: not sent, and not said again: %s: %s", name, type(problem).__name__, problem)


atexit.register(flush)
