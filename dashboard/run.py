"""`make dashboard`: Superset on this machine with the declared dashboard, over the published tables of the state folder.

PostgreSQL is the one of a `make run` that is up, or else started here. Everything of Superset's lies in <state>/dashboard.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psycopg
from trust_benchmarks_local import Trouble, postgres, processes, services
from trust_benchmarks_local.run import Screen, stop_by_signal
from trust_benchmarks_local.state import State

HERE = Path(__file__).resolve().parent
PYTHON = HERE / ".venv" / "bin" / "python"
USER = "admin"
PASSED = ("PATH", "LANG", "LC_ALL")  # of the environment of whoever starts it
NEEDED = ("TB_PORT_POSTGRES", "TB_READER_PASSWORD")


def main() -> int:
    """The exit status: 0 when it was stopped while it served, 1 when it could not, 130 when it was interrupted before."""
    screen = Screen()
    stop_by_signal()
    served = False
    try:
        state = State()
        state.settings = state.read()
        if any(name not in state.settings for name in NEEDED):
            raise Trouble(f"There is nothing to show in {state.folder}: no run has been there. First: make run")
        own = _own_folder(state)
        with own.held("make dashboard"), contextlib.ExitStack() as stack:
            stack.callback(screen.say, "Stopped; nothing was left running.")
            with screen.step("services") as words:
                if orphans := processes.end_orphans(own.folder):
                    words.append(f"ended {orphans} processes of an earlier start that was killed")
                theirs = postgres.answers(state)
                settings = state.settings = stack.enter_context(services.running(state.folder))
                words.append(f"PostgreSQL on 127.0.0.1:{settings['TB_PORT_POSTGRES']}")
                words.append("of the run that is up" if theirs else "started here")
            with screen.step("published tables") as words:
                words.append(published(settings))
            environment = surroundings(own, settings)
            with screen.step("Superset's database") as words:
                words.append(prepared(own, environment))
            with screen.step("Superset") as words:
                server = start(own, environment)
                stack.callback(server.stop)
                words.append(address(own))
            screen.say(f"\nDashboard    {address(own)}/superset/dashboard/trust-benchmarks/")
            screen.say(f"             user {USER}, password {own.settings['TB_DASHBOARD_PASSWORD']}")
            screen.say(f"Logs         {own.folder / 'superset.log'}")
            screen.say("It stays up until Ctrl-C.")
            served = True
            _stay(state, server)
    except Trouble as problem:
        screen.say(f"Not done: {problem}", style="bold red")
        return 1
    except KeyboardInterrupt:
        return 0 if served else 130
    return 0


def _own_folder(state: State) -> State:
    """<state>/dashboard, with settings of its own: a run that is up writes the state's while we write ours."""
    own = State(state.folder / "dashboard")
    try:
        own.folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as problem:
        raise Trouble(f"{own.folder} cannot be written ({problem.strerror}). Run as the user who owns it.") from problem
    own.settings = own.read()
    missing = {"TB_DASHBOARD_SECRET_KEY", "TB_DASHBOARD_PASSWORD"} - own.settings.keys()
    if missing:
        own.keep(**{name: secrets.token_urlsafe(32) for name in missing})
    return own


def published(settings: dict[str, str]) -> str:
    """What there is to show, in words. Raises Trouble where the role that dashboards read as cannot read anything."""
    try:
        with psycopg.connect(
            host="127.0.0.1",
            port=int(settings["TB_PORT_POSTGRES"]),
            dbname="warehouse",
            user="dashboard_reader",
            password=settings["TB_READER_PASSWORD"],
            connect_timeout=10,
        ) as connection:
            periods, samples = connection.execute(
                """SELECT count(*) FILTER (WHERE release_id IS NOT NULL), count(*) FILTER (WHERE is_sample)
                   FROM published.data_status"""
            ).fetchone()
    except psycopg.Error as problem:
        raise Trouble(
            f"dashboard_reader cannot read the published tables ({str(problem).strip().splitlines()[-1]}). First: make run"
        ) from problem
    if not periods:
        return "nothing is published yet: the dashboard is empty until `make run` has published something"
    return f"{periods} collections and periods are published" + (f", {samples} of them SAMPLE" if samples else "")


def surroundings(own: State, settings: dict[str, str]) -> dict[str, str]:
    """What Superset's processes get: our settings, and nothing of the user's but where programs are."""
    return {name: os.environ[name] for name in PASSED if name in os.environ} | {
        "HOME": str(own.folder),
        "TZ": "UTC",
        "SUPERSET_HOME": str(own.folder),
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
        "SCARF_ANALYTICS": "false",
        "TB_DASHBOARD_DATABASE": str(own.folder / "superset.db"),
        "TB_DASHBOARD_USER": USER,
        "TB_DASHBOARD_SECRET_KEY": own.settings["TB_DASHBOARD_SECRET_KEY"],
        "TB_DASHBOARD_PASSWORD": own.settings["TB_DASHBOARD_PASSWORD"],
        **{name: settings[name] for name in NEEDED},
    }


def prepared(own: State, environment: dict[str, str]) -> str:
    """Make or bring up to date Superset's database, beside the one that is there, and put it in its place when it is whole.

    Left alone while the declared files are those that it was made from: what somebody changed in the browser stays.
    """
    mark, database, draft = (own.folder / name for name in ("prepared", "superset.db", "superset.draft.db"))
    made_from = declared_hash()
    if database.exists() and mark.exists() and mark.read_text() == made_from:
        return "as it was; the declared dashboard has not changed"
    draft.unlink(missing_ok=True)
    if database.exists():
        shutil.copyfile(database, draft)
    log = own.folder / "prepare.log"
    log.unlink(missing_ok=True)
    child = processes.start(
        "Preparing Superset",
        [PYTHON, HERE / "prepare.py"],
        log,
        own.folder,
        environment=environment | {"TB_DASHBOARD_DATABASE": str(draft)},
    )
    try:
        status = child.process.wait(600)
    except subprocess.TimeoutExpired:
        raise Trouble(f"Superset's database was not ready after ten minutes. Its log: {log}") from None
    finally:
        child.stop()
    if status:
        raise Trouble(f"Superset's database could not be prepared: {child.last_words()}. Its log: {log}")
    draft.replace(database)
    mark.write_text(made_from)
    return "prepared; the declared dashboard is in it"


def declared_hash() -> str:
    """A hash of all that Superset's database is made from."""
    files = [HERE / "requirements.lock", *HERE.glob("*.py"), *(HERE / "assets").rglob("*.yaml")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()


def address(own: State) -> str:
    """Where it answers."""
    return f"http://127.0.0.1:{own.settings['TB_PORT_DASHBOARD']}"


def start(own: State, environment: dict[str, str]) -> processes.Child:
    """Superset's web server, when it answers. Raises Trouble."""
    port = own.port("TB_PORT_DASHBOARD")
    child = processes.start(
        "Superset",
        [
            PYTHON,
            *("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "8", "--timeout", "120"),
            *("--worker-class", "gthread", "--no-control-socket", "superset.app:create_app()"),
        ],
        own.folder / "superset.log",
        own.folder,
        environment=environment,
        patience=5,
    )
    try:
        processes.wait_until(lambda: answers(own), child, 180, every=0.5)
    except BaseException:
        child.stop()
        raise
    return child


def answers(own: State) -> bool:
    """Whether Superset says that it is well."""
    with contextlib.suppress(OSError, urllib.error.URLError):
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return direct.open(f"{address(own)}/health", timeout=5).read() == b"OK"
    return False


def _stay(state: State, server: processes.Child) -> None:
    """Until Ctrl-C. Raises Trouble when Superset or PostgreSQL ends."""
    while True:
        for _ in range(5):
            if not server.alive():
                raise Trouble(f"Superset ended by itself: {server.last_words()}. Its log: {server.log}")
            time.sleep(1)
        if not postgres.answers(state):
            raise Trouble("PostgreSQL has ended; was `make run` stopped? Start again: make dashboard")


if __name__ == "__main__":
    sys.exit(main())
