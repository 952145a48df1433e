"""`make run`: starts everything on this machine, has Airflow do the whole job, shows how far it is, and sums it up."""

import argparse
import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from trust_benchmarks import catalogue
from trust_benchmarks.cli.prepare import USERS
from trust_benchmarks.ingest import reference_load
from trust_benchmarks.releases import candidates
from trust_benchmarks.stores import warehouse
from trust_benchmarks_local import Trouble, airflow, disk, http_api, inbox, processes, room, services, watch, watchman
from trust_benchmarks_local.state import State

DAGS = {
    "fetch_published",
    "receive_inbox",
    "refresh_benchmarks",
    "refresh_timeline",
    "refresh_reference",
    "send_digests",
    "send_messages",
    "housekeeping",
    "watch_installation",
}


SETTLES = 3.0  # seconds until a service whose end is behind an error has ended
QUIET, AT_MOST = 180.0, 1800.0  # seconds that Airflow may need without doing anything, and at all
BUSY = 0.3  # of a core that its processes want: less is nothing


class Screen:
    """One line a step, and bars where there is waiting: live on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        if not self.console.is_terminal:
            self.console.width = 100
        self.began = time.monotonic()

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """A step: the words that its body appends are shown when it has ended."""
        words: list[str] = []
        start = time.monotonic()
        with self.console.status(f"{name} ..."):
            yield words
        self.done(name, words, time.monotonic() - start)

    def done(self, name: str, words: list[str], seconds: float) -> None:
        """The line of a step that has ended."""
        self.console.print(f"[green]done[/]  {name:<20} {seconds:6.1f} s  {'; '.join(words)}")

    def say(self, words: str, style: str = "") -> None:
        """A line as it is; `style` is one of rich."""
        self.console.print(words, style=style or None, markup=False)


class Bars:
    """Several named bars; without a terminal a line is printed when something moved, at most every ten seconds."""

    def __init__(self, screen: Screen, names: list[str]) -> None:
        self.screen = screen
        self.bars = Progress(
            TextColumn("      {task.description:<20}"),
            BarColumn(40),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=screen.console,
            transient=True,
        )
        self.tasks = {name: self.bars.add_task(name, total=None, note="") for name in names}
        self.spoke, self.said = time.monotonic(), ""

    def __enter__(self) -> "Bars":
        if self.screen.console.is_terminal:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.screen.console.is_terminal:
            self.bars.stop()

    def show(self, name: str, completed: int, total: int | None, note: str = "") -> None:
        """How far the bar of this name is."""
        self.bars.update(self.tasks[name], completed=completed, total=total, note=note)
        if not self.screen.console.is_terminal and time.monotonic() - self.spoke > 10:
            words = ", ".join(
                f"{bar.description} {bar.completed:.0f} of {bar.total:.0f}"
                for bar in self.bars.tasks
                if bar.total is not None
            )
            if words != self.said:
                self.screen.say(f"      {words}")
            self.spoke, self.said = time.monotonic(), words


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 when every step finished, 1 when one did not, 130 when it was interrupted before."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the job (make run ONCE=1)")
    parser.add_argument("--inbox", type=Path, help="collect folder/<collection>/ instead of samples (INBOX=folder)")
    given = parser.parse_args(arguments)
    screen = Screen()
    stop_by_signal()
    state = State()
    try:
        files = inbox.folder_files(given.inbox.absolute()) if given.inbox else None
        state.open()
        with state.held("make run"):
            while isinstance(ended := run(screen, state, files, given.once), disk.Full) and not given.once:
                screen.say("Waiting for room; Ctrl-C ends it.")
                disk.wait_for_room(state.folder)
        return ended if isinstance(ended, int) else 1
    except Trouble as problem:
        screen.say(f"Not done: {problem}", style="bold red")
        return 1
    except OSError as problem:
        if not disk.is_about_space(problem):
            raise
        screen.say(f"Not done: {disk.full(state.folder)}", style="bold red")
        return 1
    except KeyboardInterrupt:
        screen.say("Stopped before the job was done. The next start continues from here.")
        return 130


def run(screen: Screen, state: State, given: tuple[list[inbox.File], list[str]] | None, once: bool) -> int | Trouble:
    """Everything between holding the state folder and letting it go.

    Returns:
        the exit status, or what a person must mend, which has been said: the service that ended, or a disk that is full, rather than
        what others said of it.
    """
    children: list[processes.Child] = []
    with contextlib.ExitStack() as stack:
        stack.callback(_stopping, screen)
        stack.callback(watchman.dismiss, watchman.start(state.folder))
        try:
            return _run(screen, state, given, once, stack, children)
        except (Trouble, OSError, psycopg.Error, BotoCoreError, ClientError) as problem:
            reason = _reason(state, children, problem)
            if not isinstance(reason, Trouble):
                raise
            screen.say(f"Not done: {reason}", style="bold red")  # before everything is stopped, which takes a while
            return reason


def _run(
    screen: Screen,
    state: State,
    given: tuple[list[inbox.File], list[str]] | None,
    once: bool,
    stack: contextlib.ExitStack,
    children: list[processes.Child],
) -> int:
    """The run itself; `children` gets what is started, and `stack` how it is stopped."""
    disk.check(state.folder)
    with screen.step("services") as words:
        if orphans := processes.end_orphans(state.folder):
            words.append(f"ended {orphans} processes of an earlier run that was killed")
        children += stack.enter_context(services.started(state))
        os.environ.update(services.exported(state.settings))
        words.append(f"PostgreSQL on 127.0.0.1:{state.settings['TB_PORT_POSTGRES']}")
        words.append(f"S3 on {state.settings['TB_S3_ENDPOINT']}")
    migration = airflow.prepare(state)
    if migration:
        stack.callback(migration.stop)
    with screen.step("warehouse") as words:
        words.append(_warehouse())
    with screen.step("sample returns" if given is None else "inbox") as words:
        files, left_out = given or (inbox.sample_files(state), [])
        words.append(f"{len(files)} files{' of invented figures' if given is None else ''}")
    for sentence in [*left_out, *_room(screen, state, files)]:
        screen.say(f"      {sentence}", style="yellow")
    with screen.step("Airflow's database") as words:
        airflow.migrated(state, migration, lambda: _check(state, children))
        words.append("up to date")
    parts = airflow.start(state)
    stack.callback(airflow.stop, parts)
    children += parts
    with screen.step("files to the inbox") as words, Bars(screen, ["uploaded"]) as bars:
        sent = [0]

        def advanced() -> None:
            sent[0] += 1
            _check(state, children)
            bars.show("uploaded", sent[0], len(files))

        new = inbox.upload(state.settings, files, advanced)
        words.append(f"{new} new, {len(files) - new} there already")
    rest = airflow.Rest(state, lambda: _check(state, children))
    with screen.step("Airflow") as words:
        _up(state, rest, children)
        words.append(f"scheduler, DAG processor, API server, triggerer; {rest.url}")
    _start(http_api.start, state, children, stack)
    problems = _job(screen, state, rest, children)
    _start(room.start, state, children, stack)
    _results(screen, state, rest)
    for problem in problems:
        screen.say(f"Not done: {problem}", style="bold red")
    if once:
        return 1 if problems else 0
    screen.say("Everything stays up until Ctrl-C.")
    _stay(state, children)
    return 1 if problems else 0


def _start(
    start: Callable[[State], processes.Child],
    state: State,
    children: list[processes.Child],
    stack: contextlib.ExitStack,
) -> None:
    children.append(start(state))
    stack.callback(children[-1].stop)


def _reason(state: State, children: list[processes.Child], problem: Exception) -> Exception:
    """Why a run ended: what a service or the disk came to, where that is behind it; else what was raised."""
    give_up = time.monotonic() + SETTLES
    while not isinstance(problem, disk.Full) and time.monotonic() < give_up:
        if disk.is_full(state.folder) or disk.is_about_space(problem):
            return disk.full(state.folder)
        if ended := next((child for child in children if not child.alive() and not child.asked), None):
            return Trouble(ended.how_it_ended())
        time.sleep(0.2)
    if isinstance(problem, psycopg.Error):
        return Trouble(
            f"PostgreSQL refused: {str(problem).strip().splitlines()[0]}. Its log: {state.logs / 'postgres.log'}"
        )
    if isinstance(problem, BotoCoreError | ClientError):
        return Trouble(f"The S3 server refused: {problem}. Its log: {state.logs / 'objects.log'}")
    return problem


def _room(screen: Screen, state: State, files: list[inbox.File]) -> Iterator[str]:
    """Shows how much disk the run needs and there is; a sentence where that may be too little."""
    needs = disk.needed(state.folder, [file.path for file in files])
    has, free = disk.used(state.folder), disk.free(state.folder)
    words = f"about {disk.size(needs)} needed, {disk.size(has)} used, {disk.size(free)} free for {state.folder}"
    screen.done("disk", [words], 0.0)
    if needs - has > free:
        yield "That may be too little. The run stops with a sentence before the disk is full; TB_STATE names a folder elsewhere."


def _warehouse() -> str:
    """Migrations and reference data."""
    applied = warehouse.migrate()
    loaded = reference_load.refresh()
    numbers = ", ".join(
        f"{value:,} {name.replace('_', ' ')}" for name, value in loaded.items() if isinstance(value, int)
    )
    return f"{len(applied)} migrations applied; reference data{': ' + numbers if numbers else ' loaded'}"


def _up(state: State, rest: airflow.Rest, children: list[processes.Child]) -> None:
    """Wait until the components are healthy and every DAG is known, as long as they do something; make the pools."""
    expected = DAGS | {f"collect_{name}" for name in catalogue.all()}
    patience = Patience([child.process.pid for child in children])
    warm = None
    while True:
        _check(state, children)
        down, missing = rest.healthy(), expected
        if "api-server" not in down:
            if warm is None:
                warm = threading.Thread(target=rest.warm_up, daemon=True)
                warm.start()
            if errors := rest.import_errors():
                last = errors[0]["stack_trace"].strip().splitlines()[-1]
                raise Trouble(f"The DAG file {errors[0]['filename']} cannot be read: {last}.")
            missing = expected - rest.dags()
            if not down and not missing:
                rest.make_pools()
                warm.join()
                return
        if patience.is_over((down, missing)):
            break
        time.sleep(0.5)
    what = (
        f"{', '.join(down)} did not become healthy" if down else f"the DAGs {', '.join(sorted(missing))} did not appear"
    )
    raise Trouble(f"Airflow is not ready after {patience.waited():.0f} s: {what}. Its logs: {state.logs}")


class Patience:
    """How long to wait for processes: while what they have come to changes, or they work, though not for ever.

    On a busy machine a start takes many times as long as on an idle one. What counts is the time that the processes ran or waited for
    a processor.
    """

    def __init__(self, pids: list[int], quiet: float = QUIET, at_most: float = AT_MOST) -> None:
        self.pids, self.quiet, self.at_most = pids, quiet, at_most
        self.began = self.looked = time.monotonic()
        self.state: object = None
        self.idle, self.wanted = 0.0, processes.wanted_seconds(pids)

    def waited(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self.began

    def is_over(self, state: object) -> bool:
        """Whether to give up; `state` is what they have come to, in whatever can be compared."""
        now, wanted = time.monotonic(), processes.wanted_seconds(self.pids)
        passed, self.looked = now - self.looked, now
        if state != self.state:
            self.state, self.idle = state, 0.0
        elif wanted - self.wanted < BUSY * passed:
            self.idle += passed
        self.wanted = wanted
        return self.idle > self.quiet or self.waited() > self.at_most


def _job(screen: Screen, state: State, rest: airflow.Rest, children: list[processes.Child]) -> list[str]:
    """Have Airflow collect what lies in the inbox; returns what failed, in words."""
    began, start = datetime.now(UTC), time.monotonic()
    released_before = _progress(state, children).released
    name = f"run_{began:%Y-%m-%dT%H-%M-%S}"
    rest.trigger("receive_inbox", f"{name}_receive", "make run")
    asked: set[str] = set()
    is_visible = released_before > 0
    with Bars(screen, ["registered", "checked", "released"]) as bars:
        while True:
            seen = _progress(state, children)
            bars.show("registered", seen.registered, None)
            bars.show("checked", seen.checked, seen.registered)
            under_way = rest.count("queued", "running")
            bars.show("released", seen.released, None, f"{under_way} runs under way")
            if seen.released and not is_visible:
                is_visible = True
                screen.say(
                    f"      first figures after {time.monotonic() - screen.began:.0f} s, more follow: {http_api.front(state)}"
                )
            if under_way == 0:
                following = _what_is_left(rest, began)
                if following is None or following in asked:
                    break
                asked.add(following)
                rest.trigger(following, f"{name}_{following}", "make run: something was left to do")
            time.sleep(1)
    seen = _progress(state, children)
    words = [f"{seen.registered} submissions, {seen.checked} checked", f"{seen.released} releases"]
    if seen.released > released_before:
        words[-1] += f" ({seen.released - released_before} new)"
    screen.done("collected", words, time.monotonic() - start)
    problems = [_failure(state, rest, run) for run in rest.runs("failed", since=began)]
    if following and not problems:
        problems.append(
            f"{following} ended well and yet has something to do; {seen.registered - seen.checked} submissions are unchecked. "
            f"Task logs: {state.logs / 'tasks'}"
        )
    return problems


def _what_is_left(rest: airflow.Rest, began: datetime) -> str | None:
    """The DAG that still has something to do although none is under way; None when the job is done."""
    if _waiting():
        return "receive_inbox"
    if candidates.stale():
        return "refresh_benchmarks"
    runs = [
        run for run in rest.runs("success", since=began) if run["dag_id"] in ("refresh_timeline", "refresh_benchmarks")
    ]
    if not runs or max(runs, key=lambda run: run["start_date"])["dag_id"] != "refresh_timeline":
        return "refresh_timeline"
    return None


def _waiting() -> int:
    with warehouse.connect() as connection:
        return int(next(connection.execute("SELECT count(*) FROM intake.waiting"))[0])


def _held_back() -> int:
    with warehouse.connect() as connection:
        return len(candidates.held_back(connection))


def _failure(state: State, rest: airflow.Rest, run: dict[str, Any]) -> str:
    """One failed run in words: its task, its last error, its log."""
    which = f"{run['dag_id']} {run.get('partition_key') or run['dag_run_id']}"
    for task in rest.failed_tasks(run["dag_id"], run["dag_run_id"]):
        words, log = airflow.last_error(state, task)
        return f"{which} failed in {task['task_id']}: {words}\n      Its log: {log}"
    return f"{which} failed; see {rest.url}/dags/{run['dag_id']}/runs/{run['dag_run_id']}"


def _results(screen: Screen, state: State, rest: airflow.Rest) -> None:
    """The summary, and where to look."""
    table, sentence, is_sample = watch.summary(state.settings["TB_WAREHOUSE_URL"])
    if is_sample:
        screen.console.rule("SAMPLE: real trust codes, invented figures")
    screen.console.print(table)
    screen.say(f"\n{sentence}\n")
    if held := _held_back():
        screen.say(f"{held} releases are held back by a check: .venv/bin/trust-benchmarks releases --state held_back\n")
    port = state.settings["TB_PORT_POSTGRES"]
    for line in _sign_in(rest.url, state.settings):
        screen.say(line)
    screen.say(
        f"Dashboards   postgresql://dashboard_reader:{state.settings['TB_READER_PASSWORD']}@127.0.0.1:{port}/warehouse"
        "  (schema published)"
    )
    screen.say(f"Front page   {http_api.front(state)}  what is published, for everybody")
    screen.say(f"HTTP API     {http_api.address(state)}  key {state.settings['TB_API_KEY']} (docs/api.md)")
    screen.say(
        f"Trust room   {room.address(state)}  sample contacts {' and '.join(room.SAMPLES)}: "
        "trust-benchmarks contacts link MAIL makes a link to sign in"
    )
    screen.say(
        "Look around  .venv/bin/trust-benchmarks submissions | findings | query 'SELECT * FROM published.data_status'"
    )
    screen.say(f"Logs         {state.logs}")


def _sign_in(url: str, settings: dict[str, str]) -> list[str]:
    """Where people sign in, and with what."""
    password = {name: settings[variable] for name, (_, variable) in USERS.items()}
    return [
        f"Airflow      {url}  user admin, password {password['admin']}",
        f"Steward desk {url}/steward/  user steward, password {password['steward']}",
        f"             a second person approves: approver, {password['approver']}; who only reads: viewer, {password['viewer']}",
    ]


def _progress(state: State, children: list[processes.Child]) -> watch.Progress:
    """How far the job is. PostgreSQL refuses while it recovers from the end of one of its processes: that is waited for."""
    give_up = time.monotonic() + 60
    while True:
        _check(state, children)
        try:
            return watch.progress(state.settings["TB_WAREHOUSE_URL"])
        except psycopg.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(1)


def _check(state: State, children: list[processes.Child]) -> None:
    """Raises Trouble where a service has ended, Full where the disk is."""
    disk.check(state.folder)
    for child in children:
        if not child.alive():
            raise Trouble(child.how_it_ended())


def _stay(state: State, children: list[processes.Child]) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            _check(state, children)
            time.sleep(1)


def _stopping(screen: Screen) -> None:
    screen.say(f"Stopped; nothing was left running. {time.monotonic() - screen.began:.0f} s in all.")


def stop_by_signal() -> None:
    """SIGTERM and a closed terminal stop the run as Ctrl-C does; while it stops, further ones are ignored."""

    def stop(*_: object) -> None:
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, signal.SIG_IGN)
        raise KeyboardInterrupt

    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, stop)
    if (
        sys.platform == "linux"
        and os.environ.get("TB_STARTED_BY_MAKE")
        and threading.current_thread() is threading.main_thread()
    ):
        ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)  # PR_SET_PDEATHSIG: a killed `make` stops us too


if __name__ == "__main__":
    sys.exit(main())
