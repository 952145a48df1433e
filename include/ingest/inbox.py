"""The inbox: which files in it are new, and bringing each to the archive under its hash."""

import hashlib
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import psycopg
from botocore.exceptions import ClientError, ParamValidationError

from .. import reference
from ..reference.calendar import LONDON
from ..stores import cache, log, objects, settings
from ..stores.faults import is_outage, status

logger = logging.getLogger(__name__)

DRAFTS = "drafts/"  # below it in the inbox bucket are files that contacts check and have not sent; no collection has this name
AT_ONCE = 24  # files in one transaction
START = 16_384  # bytes at the start of a file that are kept at hand


@dataclass
class Arrival:
    """One file of the inbox.

    Attributes:
        sha256: the hash of its bytes; size: how many there are; start: the first of them.
        local: a copy on this machine; None where it is too large to be read.
        says_arrived: what a sample says of its arrival, where that is not a time; None for any other file.
        sent_for: the trust that it says it is from, where it lies below another trust's code (see `register`).
    """

    collection: str
    key: str
    etag: str
    file_name: str
    sha256: str
    size: int
    start: bytes
    local: Path | None
    received_at: datetime
    is_sample: bool
    says_arrived: str | None = None
    sent_for: str | None = None

    @property
    def submission_id(self) -> str:
        """Made of collection and bytes, so that the same file is the same submission.

        An empty file is told apart by its name, and a sample with a wrong time of arrival by that time, which can be put right.
        """
        what = f"{self.collection}|{self.sha256}"
        if not self.size:
            what += f"|{self.file_name}"
        if self.sent_for is not None:  # the trust that it is about may still send the same bytes itself
            what += f"|sent-by={self.place_of}"
        if self.says_arrived is not None:
            what += f"|arrived-at={self.says_arrived}"
        return hashlib.sha256(what.encode()).hexdigest()[:20]

    @property
    def place_of(self) -> str | None:
        """The trust below whose code it lies in the inbox (COLLECTION/CODE/...), as what a trust's room sends; None for other files."""
        _, *folders, _ = self.key.split("/")
        return folders[0] if folders and reference.load().knows(folders[0]) else None

    def log_facts(self) -> dict[str, Any]:
        """What a line of the log says of the file."""
        return {"submission_id": self.submission_id, "collection": self.collection, "inbox_key": self.key}


class Failures(dict[str, str]):
    """Why files were not received, by their key in the inbox; each failure is logged when it is added."""

    def add(self, key: str, event: str, problem: BaseException) -> None:
        """Notes why one file (or the inbox of one collection) failed."""
        log.line(logger, event, level=logging.ERROR, inbox_key=key, problem=log.short(problem), at=log.where(problem))
        self[key] = log.short(problem)


def new_files(connection: psycopg.Connection, collection: str) -> list[objects.Listed]:
    """Files of a collection's inbox that have no receipt, in the order in which they become versions.

    Versions named in file names come first, then the time in the inbox, then the name with its numbers as numbers.
    """
    prefix = f"{collection}/"
    known = set(
        connection.execute("SELECT inbox_key, etag FROM core.receipt WHERE starts_with(inbox_key, %s)", [prefix])
    )
    listed = objects.listing(settings.load().inbox, prefix)
    return sorted(
        (o for o in listed if not o.key.endswith("/") and (_storable(o.key), o.etag) not in known), key=_order
    )


def archived(collection: str, files: list[objects.Listed], failures: Failures) -> Iterator[list[Arrival]]:
    """Brings files to the archive, `AT_ONCE` at a time, and yields each lot; a file that cannot be had is noted and left out.

    Raises:
        botocore.exceptions.ClientError and the like: when the object store is down.
    """
    with ThreadPoolExecutor(8) as pool:
        for at in range(0, len(files), AT_ONCE):
            chunk = files[at : at + AT_ONCE]
            tried = list(pool.map(lambda one: _try_archive(collection, one), chunk))
            yield _arrivals(chunk, tried, failures)


def archive_key(sha256: str) -> str:
    """Where the archive keeps the file of that hash."""
    return f"sha256/{sha256[:2]}/{sha256}"


def _order(listed: objects.Listed) -> tuple[int, datetime, list[int | str]]:
    declared = re.search(r"_v([0-9]{1,9})(?![0-9A-Za-z])", listed.key)
    pieces = re.split(r"([0-9]+)", listed.key)  # every second one is a number
    natural: list[int | str] = [int(piece) if at % 2 else piece for at, piece in enumerate(pieces)]
    return int(declared[1]) if declared else 1, listed.modified, natural


def _try_archive(collection: str, listed: objects.Listed) -> Arrival | Exception:
    """The arrival, or why this one file could not be had; a store that cannot be reached is raised."""
    try:
        return archive(collection, listed)
    except Exception as problem:
        if is_outage(problem) and not isinstance(problem, ClientError):
            raise
        return problem


def _arrivals(chunk: list[objects.Listed], tried: list[Arrival | Exception], failures: Failures) -> list[Arrival]:
    """The arrivals; raises where the store gave none of several files: then it is down, and not one file is bad."""
    arrivals = [one for one in tried if isinstance(one, Arrival)]
    outages = [one for one in tried if isinstance(one, Exception) and is_outage(one)]
    if len(outages) > 1 and not arrivals:
        raise outages[0]
    for listed, problem in zip(chunk, tried, strict=True):
        if isinstance(problem, ClientError) and status(problem) in (404, 412):
            log.line(logger, "gone", inbox_key=listed.key, why="removed or replaced while it was being received")
        elif isinstance(problem, Exception):
            failures.add(listed.key, "not_received", problem)
    return arrivals


def archive(collection: str, listed: objects.Listed) -> Arrival:
    """Keeps one file of the inbox in the archive under its hash, and in this machine's cache unless it is too large to be read."""
    of = settings.load()
    seen, local = _copied(of.inbox, listed)
    file_name = _storable(listed.key.rsplit("/", 1)[-1])
    is_sample = seen.metadata.get("sample") == "true" or file_name.startswith("sample_")
    # Only a sample may say when it arrived; a real file arrived when the object store says so.
    says = seen.metadata.get("arrived-at") if is_sample else None
    arrived = _moment(says) if says else listed.modified
    arrival = Arrival(
        collection,
        _storable(listed.key),
        listed.etag,
        file_name,
        seen.sha256,
        seen.size,
        seen.first,
        local,
        arrived or listed.modified,
        is_sample,
        _storable(says) if says and not arrived else None,
    )
    key = archive_key(seen.sha256)
    try:
        objects.copy_once(of.inbox, listed.key, listed.etag, of.archive, key)
    except (ClientError, ParamValidationError) as problem:  # the store cannot copy from some names
        if is_outage(problem):
            raise
        if local is None:
            objects.stream(of.inbox, listed.key, listed.etag, of.archive, key)
        else:
            with local.open("rb") as content:
                objects.put_once(of.archive, key, content)
    return arrival


def _copied(bucket: str, listed: objects.Listed) -> tuple[objects.Looked, Path | None]:
    """What a file of the inbox is, and a copy of it in this machine's cache unless it is too large to be read."""
    if listed.size > settings.largest_file():
        return objects.look(bucket, listed.key, listed.etag, first=START), None
    seen: list[objects.Looked] = []

    def copy(out: IO[bytes]) -> str:
        seen[:] = [objects.look(bucket, listed.key, listed.etag, first=START, copy=out)]
        return seen[0].sha256

    local = cache.keep_written(copy)
    return seen[0], local


def _moment(text: str) -> datetime | None:
    """The time that a sample says it arrived at, in London where it names no zone; None where it is not a time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 2000 <= found.year < 2200:
        return None
    return found if found.tzinfo else found.replace(tzinfo=LONDON)


def _storable(text: str) -> str:
    """A text as PostgreSQL keeps it: without NUL and without halves of surrogate pairs."""
    return re.sub("[\x00\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
