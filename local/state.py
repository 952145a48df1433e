"""The one folder in which a local run keeps everything: settings and secrets, ports, the lock, logs and data."""

import contextlib
import fcntl
import os
import random
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from trust_benchmarks_local import Trouble

CHECKOUT = Path(__file__).resolve().parents[1]
PORTS = range(20000, 32000)  # below the range that outgoing connections are given ports from

SECRETS = (
    "TB_POSTGRES_PASSWORD",
    "TB_WAREHOUSE_PASSWORD",
    "TB_PIPELINE_PASSWORD",
    "TB_READER_PASSWORD",
    "TB_STEWARD_PASSWORD",
    "TB_DESK_PASSWORD",
    "TB_ROOM_PASSWORD",
    "TB_AIRFLOW_DATABASE_PASSWORD",
    "TB_AIRFLOW_PASSWORD",
    "TB_AIRFLOW_VIEWER_PASSWORD",
    "TB_AIRFLOW_STEWARD_PASSWORD",
    "TB_AIRFLOW_APPROVER_PASSWORD",
    "TB_AIRFLOW_SECRET_KEY",
    "TB_AIRFLOW_JWT_SECRET",
    "TB_S3_SECRET",
    "TB_S3_ADMIN_SECRET",
    "TB_S3_EXPORTS_SECRET",
    "TB_S3_BACKUP_SECRET",
    "TB_S3_ROOM_SECRET",
    "TB_API_KEY",
)


def default_folder() -> Path:
    """TB_STATE, or .state in the checkout."""
    return Path(os.environ.get("TB_STATE") or CHECKOUT / ".state").absolute()


class State:
    """A run's folder. `settings` is what settings.env holds: text by name, never changed but through `keep`."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = Path(folder or default_folder()).absolute()
        self.logs = self.folder / "logs"
        self.data = self.folder / "data"
        self.file = self.folder / "settings.env"
        self.settings: dict[str, str] = {}

    def open(self) -> "State":
        """Make the folder if need be, read the settings, and add the secrets that are missing."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
            self.data.mkdir(exist_ok=True)
        except OSError as problem:
            raise Trouble(
                f"The state folder {self.folder} cannot be written ({problem.strerror}). "
                "Set TB_STATE to a folder of yours, or run as the user who owns it."
            ) from problem
        self.settings = self.read()
        new = {
            name: secrets.token_urlsafe(64 if name == "TB_AIRFLOW_JWT_SECRET" else 24)
            for name in SECRETS
            if name not in self.settings
        }
        if "TB_AIRFLOW_FERNET_KEY" not in self.settings:
            new["TB_AIRFLOW_FERNET_KEY"] = secrets.token_urlsafe(32) + "="  # 32 bytes, as base64 with its padding
        for name in ("TB_S3_KEY", "TB_S3_ADMIN_KEY", "TB_S3_EXPORTS_KEY", "TB_S3_BACKUP_KEY", "TB_S3_ROOM_KEY"):
            if name not in self.settings:
                new[name] = "TB" + secrets.token_hex(9).upper()
        if new:
            self.keep(**new)
        return self

    def read(self) -> dict[str, str]:
        """The settings as last written: {} when there are none."""
        try:
            lines = self.file.read_text().splitlines()
        except FileNotFoundError:
            return {}
        except PermissionError as problem:
            raise Trouble(
                f"{self.file} belongs to another user. Run as that user, or set TB_STATE to a folder of yours."
            ) from problem
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    def keep(self, **new: str) -> None:
        """Add or change settings; the file is replaced at once, so that a reader sees the old or the new one."""
        self.settings.update(new)
        draft = self.file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write("# Written by `make run`. Secrets: keep this file to yourself.\n")
            out.writelines(f"{name}={value}\n" for name, value in sorted(self.settings.items()))
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self.file)

    def port(self, name: str) -> int:
        """A free port for `name`: the one it had last time if that is still free."""
        taken = {int(value) for key, value in self.settings.items() if key.startswith("TB_PORT_") and key != name}
        had = self.settings.get(name)
        if had and is_free(int(had)):
            return int(had)
        for _ in range(1000):
            port = random.choice(PORTS)
            if port not in taken and is_free(port):
                self.keep(**{name: str(port)})
                return port
        raise Trouble(f"No free TCP port was found between {PORTS.start} and {PORTS.stop} on 127.0.0.1.")

    @contextlib.contextmanager
    def held(self, what: str) -> Iterator[None]:
        """Hold the folder for one run. Raises Trouble when another process holds it; a dead one's lock is void."""
        with open(os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Held(
                    f"Another run ({lock.read().strip() or 'just starting'}) holds {self.folder}. "
                    "Stop it with Ctrl-C, or set TB_STATE to another folder."
                ) from None
            lock.truncate(0)
            lock.write(f"{what}, process {os.getpid()}")
            lock.flush()
            yield


class Held(Trouble):
    """Another process holds the state folder."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1, and nobody does on the wildcard address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False
