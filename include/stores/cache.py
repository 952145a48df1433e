"""Local copies of objects and of what was made from them, kept by hash: a copy that is damaged or gone is fetched or made again."""

import contextlib
import hashlib
import logging
import os
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from . import log, objects, settings

logger = logging.getLogger(__name__)


def cached(bucket: str, key: str, sha256: str) -> Path:
    """A local copy of an object, kept by its hash; a copy whose bytes do not match is never used but fetched anew, and logged.

    Raises:
        Harmed: the object itself is gone, cannot be read, or is not what was recorded.
        TooLarge: it has more bytes than are had in memory.
    """
    for path in _places(sha256):
        if _is_whole(path, sha256):
            return path
        if path.exists():
            log.line(logger, "local_copy_damaged", level=logging.WARNING, path=path, bucket=bucket, key=key)
    return keep(objects.whole(bucket, key, sha256), sha256)


def content(bucket: str, key: str, sha256: str) -> bytes:
    """An object's bytes, from the cache if they are there unharmed."""
    return cached(bucket, key, sha256).read_bytes()


def kept_under(name: str) -> Path | None:
    """The local file that was made under a name (see `keep_under`), if it is there unharmed."""
    for place in _places(name):
        for path in place.parent.glob(f"{name}.*"):
            if _is_whole(path, path.suffix[1:]):
                return path
            log.line(logger, "local_copy_damaged", level=logging.WARNING, path=path)
    return None


def keep_under(name: str, content: bytes) -> Path:
    """Puts bytes that were made here into the cache under a name: the hash of what they were made of."""
    return _keep(content, f"{name}.{hashlib.sha256(content).hexdigest()}")


def keep(content: bytes, sha256: str) -> Path:
    """Puts bytes into the cache under their hash."""
    return _keep(content, sha256)


def keep_written(write: Callable[[IO[bytes]], str]) -> Path:
    """Puts what is written to an open file into the cache; `write` returns the name: the hash of what it wrote.

    It is called a second time where the cache cannot take what it writes.
    """
    return _in_cache(write)


def _places(name: str) -> list[Path]:
    """Where a local copy may be: in the cache, or in the spare one where the cache could not be written."""
    return [folder / name[:2] / name for folder in _caches()]


def _caches() -> list[Path]:
    spare = _spare()
    return [settings.load().cache, *([spare] if _is_ours(spare) else [])]


def _spare() -> Path:
    """A folder for when the cache is full or can only be read: one a user, because nobody clears up after a task that ended."""
    return Path(tempfile.gettempdir()) / f"trust-benchmarks-cache-{os.geteuid()}"


def _is_ours(folder: Path) -> bool:
    """Whether a folder, in a place where anybody may make one, is this user's and nobody else can write to it."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _is_whole(path: Path, sha256: str) -> bool:
    """Whether a local copy is there with the bytes that it should have; it counts as used then, so that `forget` leaves it."""
    try:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                return False
    except OSError:  # not there, or not to be read
        return False
    with contextlib.suppress(OSError):  # a cache that can only be read serves all the same
        os.utime(path)
    return True


def _keep(content: bytes, name: str) -> Path:
    def write(out: IO[bytes]) -> str:
        out.write(content)
        return name

    return _in_cache(write)


def _in_cache(write: Callable[[IO[bytes]], str]) -> Path:
    """Writes a local copy into the cache; where that is full or can only be read, into the spare one."""
    try:
        return _written(settings.load().cache, write)
    except OSError as problem:
        spare = _spare()
        with contextlib.suppress(FileExistsError):
            spare.mkdir(mode=0o700)
        if not _is_ours(spare):
            raise
        log.line(
            logger,
            "cache_not_written",
            level=logging.WARNING,
            folder=settings.load().cache,
            instead=spare,
            problem=log.short(problem),
        )
        return _written(spare, write)


def _written(folder: Path, write: Callable[[IO[bytes]], str]) -> Path:
    drafts = folder / "drafts"
    drafts.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=drafts)
    try:
        with os.fdopen(handle, "wb") as out:
            name = write(out)
        path = folder / name[:2] / name
        path.parent.mkdir(exist_ok=True)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
        raise
    return path


def forget(seconds: float) -> int:
    """Removes local copies that nobody has used for so long; returns how many. They come back when they are asked for."""
    before, removed = time.time() - seconds, 0
    for path in (path for folder in _caches() for path in folder.glob("*/*")):
        with contextlib.suppress(OSError):  # gone meanwhile, or a cache that can only be read
            if path.stat().st_mtime < before:
                path.unlink()
                removed += 1
    return removed
