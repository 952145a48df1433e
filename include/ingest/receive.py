"""Receives what lies in the inbox: archives each file once under its hash and registers the submission it is."""

import hashlib
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice

import psycopg
from botocore.exceptions import ClientError, ParamValidationError

from .. import catalogue
from ..catalogue import layouts
from ..reading.identify import impossible, in_name
from ..reading.read import read
from ..records import process, revalidate
from ..reference.calendar import LONDON
from ..stores import log, objects, settings, warehouse
from ..stores.faults import is_failure, is_outage, status
from . import calendar_load, head

logger = logging.getLogger(__name__)

AT_ONCE = 24  # files in memory and in one transaction
BATCH_FILES, BATCH_BYTES = 60, 40 * 1024 * 1024  # what one mapped task is given


@dataclass
class Arrival:
    """One file of the inbox.

    Attributes:
        says_arrived: what a sample says of its arrival, where that is no time; None for any other file.
    """

    collection: str
    key: str
    etag: str
    file_name: str
    content: bytes
    received_at: datetime
    is_sample: bool
    says_arrived: str | None = None

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def submission_id(self) -> str:
        """The same bytes for the same collection are the same submission; but nothing is nobody's, and a time can be put right."""
        what = f"{self.collection}|{self.sha256}"
        if not self.content:
            what += f"|{self.file_name}"
        if self.says_arrived is not None:
            what += f"|arrived-at={self.says_arrived}"
        return hashlib.sha256(what.encode()).hexdigest()[:20]


def receive(collection: str | None = None) -> dict:
    """Receives every new file of a collection's inbox, or of all.

    Returns:
        {"received": new submissions, "again": files whose bytes were here before, "waiting": [[collection, period], ...]
        of submissions that nobody has validated yet, or that the rules in force concern}; and, where a file could not be brought to the archive or registered,
        "failed": its key and the reason. Such a file is tried again the next time, and keeps no other back.

    Raises:
        psycopg.OperationalError, botocore.exceptions.ClientError and the like: when a store is down.
    """
    names = [catalogue.load(collection).name] if collection else list(catalogue.all())
    received = again = 0
    failed: dict[str, str] = {}
    with warehouse.connect() as guard:
        revalidate.note_rules(guard, names)
        for name in names:
            try:
                new, repeated = _receive(guard, name, failed)
            except Exception as problem:
                if is_outage(problem) or guard.closed:
                    raise
                guard.rollback()
                _note_failure(failed, name, "not_received", problem)
                continue
            received, again = received + new, again + repeated
        _make_up(guard, names)
        result = {"received": received, "again": again, "waiting": _waiting_periods(guard, names)}
        return result | ({"failed": failed} if failed else {})


def _note_failure(failed: dict[str, str], key: str, event: str, problem: BaseException) -> None:
    log.line(logger, event, level=logging.ERROR, inbox_key=key, problem=log.short(problem), at=log.where(problem))
    failed[key] = log.short(problem)


def waiting_periods(names: list[str] | None = None) -> list[list[str]]:
    """The (collection, period) pairs with submissions that nobody has validated yet."""
    with warehouse.connect() as connection:
        return _waiting_periods(connection, names or list(catalogue.all()))


def _waiting_periods(connection: psycopg.Connection, names: list[str]) -> list[list[str]]:
    rows = connection.execute(
        """SELECT collection, period, max(received_at) FROM intake.waiting
           WHERE period IS NOT NULL AND sender IS NOT NULL AND collection = ANY(%s) GROUP BY 1, 2 ORDER BY 1, 2""",
        [names],
    ).fetchall()
    return [[collection, period] for collection, period, at in rows if not impossible(collection, period, at)]


def waiting(collection: str, period: str) -> list[list[str]]:
    """Submission ids of a period that wait for validation, in batches for one task each."""
    with warehouse.connect() as connection:
        rows = connection.execute(
            "SELECT submission_id, bytes FROM intake.waiting WHERE collection = %s AND period = %s ORDER BY sender, part, version",
            [collection, period],
        ).fetchall()
    batches, size = [], 0
    for submission_id, length in rows:
        if not batches or len(batches[-1]) >= BATCH_FILES or size + length > BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(submission_id)
        size += length
    return batches


def left_over(submission_ids: list[str]) -> int:
    """How many of these submissions have no validation at all; one that a new decision made wait again has one."""
    with warehouse.connect() as connection:
        return connection.execute(
            """SELECT count(*) FROM unnest(%s::text[]) AS listed (submission_id)
               WHERE NOT EXISTS (SELECT FROM core.validation v WHERE v.submission_id = listed.submission_id)""",
            [submission_ids],
        ).fetchone()[0]


def _receive(guard: psycopg.Connection, collection: str, failed: dict[str, str]) -> tuple[int, int]:
    inbox, lock = settings.load().inbox, f"receive {collection}"
    # One receiver a collection at a time: another one waits here and then finds nothing left to do.
    guard.execute("SELECT pg_advisory_lock(hashtext(%s))", [lock])
    known = set(
        guard.execute("SELECT inbox_key, etag FROM core.receipt WHERE starts_with(inbox_key, %s)", [f"{collection}/"])
    )
    found = [
        o
        for o in objects.listing(inbox, f"{collection}/")
        if (_storable(o.key), o.etag) not in known and not o.key.endswith("/")
    ]
    found.sort(key=_order)
    received = again = 0
    periods = set()
    with ThreadPoolExecutor(8) as pool:
        todo = iter(found)
        while chunk := list(islice(todo, AT_ONCE)):
            tried = list(pool.map(lambda one: _try_collect(collection, one), chunk))
            new, repeated, seen = _register(_collected(chunk, tried, failed), failed)
            received, again, periods = received + new, again + repeated, periods | seen
    calendar_load.expect(collection, {p for p in periods if p})
    guard.execute("SELECT pg_advisory_unlock(hashtext(%s))", [lock])
    guard.commit()
    return received, again


def _make_up(connection: psycopg.Connection, names: list[str]) -> None:
    """What follows from being received, for whatever has been, also by a receiver that was killed."""
    for collection, periods in calendar_load.not_stated(connection, names).items():
        calendar_load.expect(collection, periods)  # what is expected is part of what figures rest on
    waiting = connection.execute(
        """SELECT submission_id, collection, period, sender, received_at FROM intake.waiting WHERE collection = ANY(%s)
           ORDER BY collection, received_at, registered_at, submission_id""",
        [names],
    ).fetchall()
    connection.commit()
    # Nobody waits for a file of no known period or sender, so it is looked at here: it will be held.
    process.try_each([one for one, *about in waiting if _is_nobodys(*about)])


def _is_nobodys(collection: str, period: str | None, sender: str | None, received_at: datetime) -> bool:
    """Whether no run of a period will come to a submission: it is not known what it is about, or that cannot be."""
    return period is None or sender is None or bool(impossible(collection, period, received_at))


def _order(listed: objects.Listed):
    """Versions named in file names first, then time, then the name with its numbers as numbers."""
    declared = re.search(r"_v([0-9]{1,9})(?![0-9A-Za-z])", listed.key)
    pieces = re.split(r"([0-9]+)", listed.key)  # every second one is a number
    natural = [int(piece) if at % 2 else piece for at, piece in enumerate(pieces)]
    return int(declared[1]) if declared else 1, listed.modified, natural


# Bringing files from the inbox to the archive -------------------------------------------------------------------------


def _try_collect(collection: str, listed: objects.Listed) -> Arrival | Exception:
    """The arrival, or why this one file could not be had; a store that cannot be reached is raised."""
    try:
        return _collect(collection, listed)
    except ClientError as problem:
        return problem
    except Exception as problem:
        if is_outage(problem):
            raise
        return problem


def _collected(chunk: list[objects.Listed], tried: list[Arrival | Exception], failed: dict[str, str]) -> list[Arrival]:
    """The arrivals; raises where the store gave none of several files: then it is down, and it is not one file that is bad."""
    arrivals = [one for one in tried if isinstance(one, Arrival)]
    outages = [one for one in tried if isinstance(one, Exception) and is_outage(one)]
    if len(outages) > 1 and not arrivals:
        raise outages[0]
    for listed, problem in zip(chunk, tried, strict=True):
        if isinstance(problem, ClientError) and status(problem) in (404, 412):
            log.line(logger, "gone", inbox_key=listed.key, why="removed or replaced while it was being received")
        elif isinstance(problem, Exception):
            _note_failure(failed, listed.key, "not_received", problem)
    return arrivals


def _collect(collection: str, listed: objects.Listed) -> Arrival:
    of = settings.load()
    content, metadata = objects.get(of.inbox, listed.key, listed.etag)
    file_name = _storable(listed.key.rsplit("/", 1)[-1])
    is_sample = metadata.get("sample") == "true" or file_name.startswith("sample_")
    # Only a sample may say when it arrived; a real file arrived when the object store says so.
    says = metadata.get("arrived-at") if is_sample else None
    arrived = _moment(says) if says else listed.modified
    arrival = Arrival(
        collection,
        _storable(listed.key),
        listed.etag,
        file_name,
        content,
        arrived or listed.modified,
        is_sample,
        None if arrived else _storable(says),
    )
    objects.keep(content, arrival.sha256)  # whoever validates it here need not bring it again
    _archive(listed, arrival)
    return arrival


def _archive(listed: objects.Listed, arrival: Arrival) -> None:
    """Keeps the file in the archive under its hash; the store copies it, unless it cannot copy from such a name."""
    of, key = settings.load(), archive_key(arrival.sha256)
    try:
        objects.copy_once(of.inbox, listed.key, listed.etag, of.archive, key)
    except (ClientError, ParamValidationError) as problem:
        if is_outage(problem):
            raise
        objects.put_once(of.archive, key, arrival.content)


def _moment(text: str) -> datetime | None:
    """The time that a sample says it arrived at, in London where it names no zone; None where it says none."""
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


def archive_key(sha256: str) -> str:
    """Where the archive keeps the file of that hash."""
    return f"sha256/{sha256[:2]}/{sha256}"


# Registering what they are about --------------------------------------------------------------------------------------


def about(collection: str, content: bytes, file_name: str, received_at: datetime) -> tuple[str | None, str | None, str]:
    """Period, sender and part of a file: from its name where that tells both and its first row says the same, else from its content."""
    said = in_name(collection, file_name, received_at)
    if not catalogue.load(collection).is_national and said.period and said.code:
        seen = head.first_row(collection, content)
        if seen == (said.period, said.code) or (seen is None and len(content) > head.MOST_READ):
            return said.period, said.code, layouts.load(collection)[0].part
    reading = read(content, file_name, collection, received_at)
    return reading.period, reading.sender, reading.part


def _try_about(one: Arrival) -> tuple[str | None, str | None, str]:
    """The same, but where reading it breaks our code what its name says: it is validated, and held, all the same."""
    try:
        return about(one.collection, one.content, one.file_name, one.received_at)
    except BaseException as problem:
        if not is_failure(problem) or is_outage(problem):
            raise
        _log_failure("not_identified", one, problem)
    try:
        said = in_name(one.collection, one.file_name, one.received_at)
    except Exception:
        return None, None, ""
    declared = catalogue.load(one.collection)
    return said.period, declared.publisher if declared.is_national else said.code, ""


def _register(arrivals: list[Arrival], failed: dict[str, str]) -> tuple[int, int, set]:
    new = repeated = 0
    periods = set()
    with warehouse.connect() as connection:
        for one in arrivals:
            began = time.monotonic()
            try:
                with connection.transaction():
                    chain, exists = _register_one(connection, one)
            except Exception as problem:
                if is_outage(problem) or connection.closed:
                    raise
                _note_failure(failed, one.key, "not_registered", problem)
                continue
            periods.add(chain[0])
            new, repeated = new + (not exists), repeated + exists
            log.line(
                logger,
                "again" if exists else "received",
                submission_id=one.submission_id,
                collection=one.collection,
                period=chain[0],
                sender=chain[1],
                part=chain[2],
                inbox_key=one.key,
                bytes=len(one.content),
                seconds=time.monotonic() - began,
            )
    return new, repeated, periods


def _log_failure(event: str, one: Arrival, problem: BaseException) -> None:
    log.line(
        logger,
        event,
        level=logging.ERROR,
        submission_id=one.submission_id,
        collection=one.collection,
        inbox_key=one.key,
        problem=log.short(problem),
    )


def _register_one(connection: psycopg.Connection, one: Arrival) -> tuple[tuple, bool]:
    """Registers a file as a submission, and that it was received; what it is about, and whether its bytes were here before."""
    chain = connection.execute(
        "SELECT period, sender, part FROM core.submission WHERE submission_id = %s", [one.submission_id]
    ).fetchone()
    exists = chain is not None
    if not exists:
        chain = period, sender, part = _try_about(one)
        connection.execute(
            """
            INSERT INTO core.submission (submission_id, collection, period, sender, part, version, sha256, bytes,
                                         file_name, archive_key, received_at, is_sample)
            SELECT %(id)s, %(collection)s, %(period)s, %(sender)s, %(part)s, coalesce(max(version), 0) + 1, %(sha)s, %(bytes)s,
                   %(name)s, %(key)s, %(at)s, %(sample)s
            FROM core.submission
            WHERE collection = %(collection)s AND period IS NOT DISTINCT FROM %(period)s
              AND sender IS NOT DISTINCT FROM %(sender)s AND part = %(part)s
            """,
            {
                "id": one.submission_id,
                "collection": one.collection,
                "period": period,
                "sender": sender,
                "part": part,
                "sha": one.sha256,
                "bytes": len(one.content),
                "name": one.file_name,
                "key": archive_key(one.sha256),
                "at": one.received_at,
                "sample": one.is_sample,
            },
        )
        if one.says_arrived is not None:
            connection.execute(
                "INSERT INTO core.not_dated (submission_id, arrived_at) VALUES (%s, %s)",
                [one.submission_id, one.says_arrived],
            )
        _try_note_answer(connection, one)
    connection.execute(
        "INSERT INTO core.receipt (inbox_key, etag, submission_id, received_at, again) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [one.key, one.etag, one.submission_id, one.received_at, exists],
    )
    return chain, exists


def _try_note_answer(connection: psycopg.Connection, one: Arrival) -> None:
    """Notes what the file answers; a workbook that breaks this is received as any other file."""
    try:
        with connection.transaction():
            _note_answer(connection, one)
    except BaseException as problem:
        if not is_failure(problem) or is_outage(problem):
            raise
        _log_failure("answer_not_noted", one, problem)


def _note_answer(connection: psycopg.Connection, one: Arrival) -> None:
    """Notes that a file was made from the workbook that we sent back about an earlier version of the same return."""
    from . import manifest  # stewardship rests on the pipeline; only this looks the other way

    answer = manifest.of(one.content)
    if answer is None or not answer.intact:
        return
    connection.execute(
        """INSERT INTO core.answer (submission_id, answers)
           SELECT n.submission_id, o.submission_id FROM core.submission n JOIN core.submission o
             ON (o.collection, o.period, o.sender, o.part) IS NOT DISTINCT FROM (n.collection, n.period, n.sender, n.part)
             AND o.version < n.version
           WHERE n.submission_id = %s AND o.submission_id = %s ON CONFLICT DO NOTHING""",
        [one.submission_id, answer.submission_id],
    )
