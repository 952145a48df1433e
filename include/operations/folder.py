"""A folder of backups: contents named by their SHA-256, each kept once however many backups hold it, and a list for each backup."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

CHUNK = 1 << 20  # bytes


class Unusable(Exception):
    """A backup cannot be made, read or restored; the message says what was found and what to do."""


class Folder:
    """A folder of backups.

    Contents are in content/ab/abcd...; what belongs to a backup is in backups/TIME.HASH.json, which is written last: a backup that was
    killed is none. HASH is that of the list itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def make(self) -> None:
        """Makes the folder if need be, readable to nobody else."""
        for one in (self.path, self.path / "content", self.path / "backups"):
            one.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keeps the folder for one command, so that none removes what another is about to name.

        Raises:
            Unusable: another command has it.
        """
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Unusable(
                    f"Another backup or restore is using {self.path}. Wait until it has ended, and try again."
                ) from None
            yield

    def place(self, sha256: str) -> Path:
        """Where the content of that hash is, or would be."""
        return self.path / "content" / sha256[:2] / sha256

    def add(self, write: Callable[[IO[bytes]], None]) -> tuple[str, int]:
        """Keeps what `write` writes; returns its hash and its size in bytes."""
        handle, draft = tempfile.mkstemp(dir=self.path / "content", prefix="draft-")
        try:
            with os.fdopen(handle, "w+b") as out:
                write(out)
                out.flush()
                out.seek(0)
                sha256, size = hashlib.file_digest(out, "sha256").hexdigest(), out.tell()
            place = self.place(sha256)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(draft, place)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)
            raise
        return sha256, size

    def is_whole(self, sha256: str) -> bool:
        """Whether the content of that hash is there unharmed; its bytes are read."""
        try:
            with self.place(sha256).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False

    def names(self) -> list[str]:
        """The backups in the folder, oldest first; a name begins with the time, in UTC, such as 20260701T033000Z."""
        return sorted(path.name for path in (self.path / "backups").glob("*.json"))

    def write(self, backup: dict[str, Any], at: datetime) -> str:
        """Writes the list of a backup, after everything in it is on disk; returns its name."""
        text = json.dumps(backup, ensure_ascii=False, indent=1).encode()
        name = f"{at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}.{hashlib.sha256(text).hexdigest()[:32]}.json"
        os.sync()
        draft = self.path / "backups" / f"{name}.draft"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, draft.with_suffix(""))
        return name

    def read(self, name: str | None = None) -> dict[str, Any]:
        """The list of a backup, the newest if none is named.

        Raises:
            Unusable: there is none, or it is not what was written.
        """
        names = self.names()
        if not names or (name is not None and name not in names):
            there = f" It has {', '.join(names[-5:])}." if names else ""
            raise Unusable(f"{self.path} holds no backup{f' {name}' if name else ''}.{there}")
        name = name or names[-1]
        text = (self.path / "backups" / name).read_bytes()
        if hashlib.sha256(text).hexdigest()[:32] != name.split(".")[-2]:
            raise Unusable(f"The backup {name} in {self.path} is damaged: its list has changed. Restore another one.")
        found: dict[str, Any] = json.loads(text)
        return found | {"name": name}

    def newest(self) -> datetime | None:
        """When the newest backup was made; None where there is none."""
        names = self.names()
        return _moment(names[-1]) if names else None

    def forget(self, keep: int) -> int:
        """Removes all but the newest `keep` backups, and the contents that none is left to need; returns how many backups."""
        names = self.names()
        gone = names[: max(len(names) - keep, 0)]
        needed = {sha256 for name in names[len(gone) :] for sha256 in contents(self.read(name))}
        for name in gone:
            (self.path / "backups" / name).unlink()
        for path in (self.path / "content").glob("*/*"):
            if path.name not in needed:
                path.unlink()
        for draft in (self.path / "content").glob("draft-*"):  # of a backup that was killed
            draft.unlink()
        return len(gone)


def contents(backup: dict[str, Any]) -> Iterable[str]:
    """The hashes of all that a backup holds."""
    return [one["sha256"] for part in ("migrations", "tables", "objects") for one in backup[part]]


def _moment(name: str) -> datetime | None:
    found = re.match(r"\d{8}T\d{6}", name)
    return datetime.strptime(found[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None
