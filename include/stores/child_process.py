"""Runs what opens files from outside in a child process with limits of memory and processor time: a file can end the child, and nothing else.

One child serves a process, call after call, and a new one takes its place when it has ended. It is no wall against somebody who takes over the
child's code: it runs as the same user. See docs/decisions/0041-untrusted-files-in-a-child-process.md.
"""

import atexit
import contextlib
import functools
import gc
import io
import itertools
import logging
import os
import pickle
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import IO, Any, Generic, NoReturn, ParamSpec, TypeVar

import polars as pl

from . import log
from .faults import is_failure

logger = logging.getLogger(__name__)

MEMORY = 512 * 1024 * 1024  # bytes beyond what the child has when it starts
SECONDS = 60  # of processor time for one call; on a busy machine the clock may say more
QUIET = 15  # seconds without any processor time, after which the child is taken to hang
LONGEST = 600  # seconds by the clock, whatever it does
MOST_SAID = 128 * 1024 * 1024  # bytes of a result, of which the caller has two copies for a moment
IDLE = 300  # seconds without a call, after which the child ends

TOO_MUCH = f"it took more than {MEMORY >> 20} MB of memory"
MOST_THREADS = 4  # threads of polars: each takes a little memory, and a machine may have a hundred cores

# Tests that patch what is called set this; everything else opens files in the child.
in_this_process = False

Given = ParamSpec("Given")
Made = TypeVar("Made")


class Ended(Exception):
    """The child ended, or was ended, before it had a result.

    Attributes:
        reason: 'memory' or 'time' (more than it may use), 'broke' (a library took it down), or 'stuck' (it waited for nothing).
        words: what follows "it could not be opened:".
    """

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(reason, words)
        self.reason, self.words = reason, words

    def __str__(self) -> str:
        return self.words


@dataclass
class _Child:
    """A child that runs.

    Attributes:
        said: what it wrote to its standard error.
        frames: the frames of its answer, one after the other.
        calls: how many it has answered.
    """

    pid: int
    connection: Connection
    said: IO[bytes]
    frames: IO[bytes]
    calls: int = 0


_guard = threading.RLock()
_child: _Child | None = None
_asked: "Asked[Any] | None" = None  # what the child works on, or has answered and nobody has taken


def run(function: Callable[Given, Made], *args: Given.args, **kwargs: Given.kwargs) -> Made:
    """Calls a function of a module in the child process; arguments and result are pickled.

    Where a child ends over a call and what it did before may be the reason, such as memory that was not given back, the call is tried
    once more in a new one.

    Raises:
        Ended: it used more than it may, or took the child down.
        Exception: whatever the function raises; `log.where` knows where that was.
    """
    return ask(function, *args, **kwargs).result()


def ask(function: Callable[Given, Made], *args: Given.args, **kwargs: Given.kwargs) -> "Asked[Made]":
    """The same call, but only begun: its caller can do something else before it waits for the result."""
    if in_this_process:
        return Asked(functools.partial(function, *args, **kwargs))
    question = pickle.dumps((function, args, kwargs), protocol=5)
    global _asked
    with _guard:
        if _asked:  # there is one child, and it answers one call after the other
            _asked.settle()
        child = _running()
        worn = child.calls > 0 and _left(child.pid) < MEMORY * 7 // 8
        with contextlib.suppress(OSError):  # it has ended: whoever waits for the answer is told why
            _send(child, question)
        _asked = Asked(functools.partial(_answer_of, child, question, worn))
        return _asked


class Asked(Generic[Made]):
    """A call that was begun."""

    def __init__(self, wait: Callable[[], Made]) -> None:
        self._wait = wait
        self._found: tuple[bool, Any] | None = None

    def result(self) -> Made:
        """Waits for the result of the call.

        Raises:
            Ended, Exception: as `run` does.
        """
        with _guard:
            self.settle()
        assert self._found is not None
        is_result, found = self._found
        if is_result:
            return found  # type: ignore[no-any-return]
        raise found

    def settle(self) -> None:
        """Waits until there is a result or what was raised in its place, and keeps it."""
        global _asked
        if _asked is self:
            _asked = None
        if self._found is None:
            try:
                self._found = True, self._wait()
            except BaseException as problem:
                if not is_failure(problem):
                    raise
                self._found = False, problem


def _answer_of(child: _Child, question: bytes, worn: bool) -> Any:
    before = child.calls
    try:
        return _receive(child)
    except Ended as ended:
        again = {"memory": worn, "broke": before > 0, "stuck": True, "time": False}[ended.reason]
        log.line(logger, "child_ended", level=logging.WARNING, reason=ended.reason, problem=str(ended), again=again)
        if not again:
            raise
    child = _running(may_copy=False)
    _send(child, question)
    return _receive(child)


def stop() -> None:
    """Ends the child of this process, if there is one; nobody is told what it was asked."""
    global _asked
    with _guard:
        _asked = None
        if _child:
            _end(_child)


def _running(may_copy: bool = True) -> _Child:
    global _child
    if _child and _has_ended(_child):
        _end(_child)
    if _child is None:
        _child = _start(may_copy)
    return _child


def _send(child: _Child, question: bytes) -> None:
    for written in (child.said, child.frames):
        written.truncate(0)
        written.seek(0)  # for the child too, which writes to the same open file
    child.connection.send_bytes(question)


def _receive(child: _Child) -> Any:
    try:
        _wait(child)
        is_result, is_last, found = _Unpickler(child.connection.recv_bytes(MOST_SAID), child.frames).load()
    except (EOFError, OSError) as problem:
        raise _why(child) from problem
    except BaseException:
        _end(child)
        raise
    child.calls += 1
    if is_last:
        _end(child)
    if is_result:
        return found
    raise found


def _wait(child: _Child) -> None:
    """Waits for an answer or the child's end.

    Raises:
        Ended: the child hangs. One that can have no more memory may, where a thread of a library waits for another one that gave up.
    """
    began = moved = time.monotonic()
    used = 0
    while not child.connection.poll(1):
        now, ticks = time.monotonic(), _ticks(child.pid)
        if ticks is None or ticks > used:
            used, moved = ticks or 0, now
        if now - moved > QUIET and _left(child.pid) < MEMORY // 8:
            raise Ended("memory", TOO_MUCH)
        if now - moved > QUIET or now - began > LONGEST:
            raise Ended("stuck", f"it had no result after {now - began:.0f} seconds")


def _ticks(pid: int) -> int | None:
    """The processor time that a process has used, in ticks; None where the system does not say so here."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[11]) + int(fields[12])


def _left(pid: int) -> int:
    """How much more memory a child may have, where the system says so."""
    if sys.platform != "linux":
        return MEMORY
    try:
        data, (most, _) = _data_bytes(pid), resource.prlimit(pid, resource.RLIMIT_DATA)
    except OSError:
        return MEMORY
    return MEMORY if data is None or most == resource.RLIM_INFINITY else most - data


def _data_bytes(pid: int | str) -> int | None:
    """The memory of a process that is its own to write to; not its address space, of which libraries reserve much that they never use."""
    try:
        found = re.search(r"VmData:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _why(child: _Child) -> Ended:
    """Why a child ended that we did not end."""
    status = _end(child)
    child.said.seek(0)
    words = child.said.read(100_000).decode(errors="replace").strip()
    child.said.close()
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGXCPU:
        return Ended("time", f"it took more than {SECONDS} seconds of processor time")
    if number == signal.SIGKILL or re.search("memory allocation|bad_alloc|MemoryError|[Oo]ut of memory", words):
        return Ended("memory", TOO_MUCH)
    first = words.splitlines()[0][:200] if words else f"status {status}"
    return Ended("broke", f"its reader broke down ({first})")


def _has_ended(child: _Child) -> bool:
    try:
        return child.connection.poll(0)  # it says nothing unasked: this is its end
    except OSError:
        return True


def _end(child: _Child) -> int:
    """Makes sure that a child is gone; returns its wait status."""
    global _child
    _child = None
    child.connection.close()
    child.frames.close()
    status = 0
    with contextlib.suppress(ChildProcessError, ProcessLookupError):
        done = 0
        for _ in range(50):  # one that is ending by itself says how; none is waited for long
            done, status = os.waitpid(child.pid, os.WNOHANG)
            if done:
                break
            time.sleep(0.002)
        if not done:
            os.kill(child.pid, signal.SIGKILL)
            _, status = os.waitpid(child.pid, 0)
    return status


def _forget() -> None:
    """A copy of this process has no child: that is its parent's."""
    global _child, _guard, _asked
    _child, _guard, _asked = None, threading.RLock(), None


atexit.register(stop)
os.register_at_fork(after_in_child=_forget)


# Starting a child -----------------------------------------------------------------------------------------------------


def _start(may_copy: bool) -> _Child:
    """A copy of this process where that is safe, for it has everything imported already; else a new process, which takes seconds."""
    began = time.monotonic()
    ours, theirs = Pipe()
    said, frames = tempfile.TemporaryFile(), tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (as long as the child)
    try:
        by_fork = may_copy and can_be_copied()
        pid = _copy(theirs, said, frames) if by_fork else _new(theirs, said, frames)
    except BaseException:
        for one in (ours, said, frames):
            one.close()
        raise
    finally:
        theirs.close()
    log.line(logger, "child_started", level=logging.DEBUG, copied=by_fork, seconds=time.monotonic() - began)
    return _Child(pid, ours, said, frames)


# Threads that libraries start when they are imported and that nothing here waits for. Those that do the work of polars are not among
# them: a copy would wait for ever for a lock that one of them held.
_IDLE_THREADS = re.compile(r"jemalloc_bg_thd|polars-ooc-clea")


def can_be_copied() -> bool:
    """Whether a fork of this process is safe: on Linux, with no thread of Python beside this one and none of a library that works."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return False
    own = threading.get_native_id()
    try:
        names = {int(path.name): (path / "comm").read_text().strip() for path in Path("/proc/self/task").iterdir()}
    except OSError:  # one has ended just now
        return False
    # A thread without a name of its own has that of the process: pyarrow starts one that waits for signals.
    return all(one == own or name == names[own] or _IDLE_THREADS.match(name) for one, name in names.items())


def _copy(connection: Connection, said: IO[bytes], frames: IO[bytes]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    try:  # nothing of the parent's may run from here on: no handler, no `finally`, no exit function
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        logging.disable()
        gc.freeze()  # what the parent has, such as connections, is not to be closed here
        _only(said.fileno(), connection.fileno(), frames.fileno())
        _serve(connection, frames)
    finally:
        os._exit(1)


def _only(said: int, *needed: int) -> None:
    """Closes what was open in the parent, which others may wait to see closed."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.dup2(said, 2)
    for before, after in itertools.pairwise([2, *sorted(needed), os.sysconf("SC_OPEN_MAX")]):
        os.closerange(before + 1, after)


def _new(connection: Connection, said: IO[bytes], frames: IO[bytes]) -> int:
    needed = (connection.fileno(), frames.fileno())
    code = f"from {__name__} import serve; serve{needed}"
    command = [sys.executable, "-P", "-c", code]  # -P: nothing is imported from the folder one is in
    started = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        pass_fds=needed,
    )
    started.returncode = 0  # `_end` waits for it, and Popen must not
    return started.pid


# In the child ---------------------------------------------------------------------------------------------------------


def serve(connection: int, frames: int) -> None:
    """Answers calls over an open connection until that is closed; the frames of an answer go to an open file."""
    try:
        _serve(Connection(connection), os.fdopen(frames, "r+b", buffering=0))
    finally:
        os._exit(1)


def _serve(connection: Connection, frames: IO[bytes]) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to end
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ.setdefault("POLARS_MAX_THREADS", str(min(MOST_THREADS, os.cpu_count() or 1)))
    parent, waited, is_bound = os.getppid(), 0, False
    while True:
        if not connection.poll(10):
            waited += 10
            if os.getppid() != parent or waited >= IDLE:
                os._exit(0)
            continue
        try:
            question = connection.recv_bytes()
        except EOFError:
            os._exit(0)
        _bind_time()
        answer, is_last = _answer(question, frames, is_bound)
        connection.send_bytes(answer)
        if is_last:
            os._exit(0)
        waited, is_bound = 0, True
        del question, answer


def _answer(question: bytes, frames: IO[bytes], is_bound: bool) -> tuple[bytes, bool]:
    """The result of a call, or what it raised; and whether the child ends with it, because it cannot be trusted to go on."""
    try:
        function, args, kwargs = pickle.loads(question)  # a new process imports here
        if not is_bound:
            _bind_memory()
        content = io.BytesIO()
        _Pickler(content, frames).dump((True, False, function(*args, **kwargs)))
        return content.getvalue(), False
    except MemoryError:
        return pickle.dumps((False, True, Ended("memory", TOO_MUCH))), True
    except BaseException as problem:
        is_last = not isinstance(problem, Exception)  # Rust panicked
        return _sent(problem, is_last), is_last


class _Pickler(pickle.Pickler):
    """Writes frames to a file as Arrow's bytes as they are in memory: polars' own way compresses them, which takes fifteen times as long."""

    def __init__(self, content: IO[bytes], frames: IO[bytes]) -> None:
        super().__init__(content, protocol=5)
        self.frames, self.size = frames, 0

    def persistent_id(self, value: object) -> tuple[int, int] | None:
        """Where the file has a frame; None for anything else."""
        if not isinstance(value, pl.DataFrame) or not value.width:
            return None
        if self.size + value.estimated_size() > MOST_SAID:
            raise MemoryError
        begin = self.size
        value.write_ipc(self.frames, compression="uncompressed")
        self.size = os.fstat(self.frames.fileno()).st_size
        return begin, self.size - begin


class _Unpickler(pickle.Unpickler):
    """Takes frames from the file that they were written to."""

    def __init__(self, answer: bytes, frames: IO[bytes]) -> None:
        super().__init__(io.BytesIO(answer))
        self.frames = frames

    def persistent_load(self, place: tuple[int, int]) -> pl.DataFrame:
        """The frame at a place of the file."""
        begin, size = place
        return pl.read_ipc(os.pread(self.frames.fileno(), size, begin))


def _sent(problem: BaseException, is_last: bool) -> bytes:
    """A raised exception with the place where it was; in words where it cannot be sent itself."""
    at = log.where(problem)
    with contextlib.suppress(Exception):
        problem.raised_at = at  # type: ignore[attr-defined]
        sent = pickle.dumps((False, is_last, problem))
        pickle.loads(sent)
        return sent
    words = RuntimeError(log.short(problem))
    words.raised_at = at  # type: ignore[attr-defined]
    return pickle.dumps((False, is_last, words))


def _bind_time() -> None:
    """Gives the call that begins its seconds of processor time; the system ends the child when they are used up."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + SECONDS, most))


def _bind_memory() -> None:
    """Limits memory to `MEMORY` beyond what the child has now, on Linux. macOS would take the limit and not keep it."""
    data = _data_bytes("self")
    if data is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (data + MEMORY, data + MEMORY))
