"""Receives what lies in the inbox: archives each file once under its hash and registers the submission it is."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice

import psycopg

from .. import catalogue, layouts
from ..reading.identify import period_in_name, trust_in_name
from ..reading.read import read
from ..records import process, revalidate
from ..stores import objects, settings, warehouse
from . import calendar_load

AT_ONCE = 24  # files in memory and in one transaction
BATCH_FILES, BATCH_BYTES = 60, 40 * 1024 * 1024  # what one mapped task is given


@dataclass
class Arrival:
    """One file of the inbox."""

    collection: str
    key: str
    etag: str
    file_name: str
    content: bytes
    received_at: datetime
    is_sample: bool

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def submission_id(self) -> str:
        """The same bytes for the same collection are the same submission."""
        return hashlib.sha256(f"{self.collection}|{self.sha256}".encode()).hexdigest()[:20]


def receive(collection: str | None = None) -> dict:
    """Receives every new file of a collection's inbox, or of all.

    Returns:
        {"received": new submissions, "again": files whose bytes were here before, "waiting": [[collection, period], ...]
        of submissions that nobody has validated yet, or that the rules in force concern}
    """
    names = [catalogue.load(collection).name] if collection else list(catalogue.all())
    received = again = 0
    with warehouse.connect() as guard:
        revalidate.note_rules(guard, names)
        for name in names:
            new, repeated = _receive(guard, name)
            received, again = received + new, again + repeated
        _make_up(guard, names)
        return {"received": received, "again": again, "waiting": _waiting_periods(guard, names)}


def waiting_periods(names: list[str] | None = None) -> list[list[str]]:
    """The (collection, period) pairs with submissions that nobody has validated yet."""
    with warehouse.connect() as connection:
        return _waiting_periods(connection, names or list(catalogue.all()))


def _waiting_periods(connection: psycopg.Connection, names: list[str]) -> list[list[str]]:
    rows = connection.execute(
        "SELECT DISTINCT collection, period FROM intake.waiting WHERE period IS NOT NULL AND collection = ANY(%s) ORDER BY 1, 2",
        [names],
    ).fetchall()
    return [list(row) for row in rows]


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


def _receive(guard: psycopg.Connection, collection: str) -> tuple[int, int]:
    inbox, lock = settings.load().inbox, f"receive {collection}"
    # One receiver a collection at a time: another one waits here and then finds nothing left to do.
    guard.execute("SELECT pg_advisory_lock(hashtext(%s))", [lock])
    known = set(
        guard.execute("SELECT inbox_key, etag FROM core.receipt WHERE starts_with(inbox_key, %s)", [f"{collection}/"])
    )
    found = [
        o for o in objects.listing(inbox, f"{collection}/") if (o.key, o.etag) not in known and not o.key.endswith("/")
    ]
    found.sort(key=_order)
    received = again = 0
    periods = set()
    with ThreadPoolExecutor(8) as pool:
        todo = iter(found)
        while chunk := list(islice(todo, AT_ONCE)):
            arrivals = list(pool.map(lambda one: _collect(collection, one), chunk))
            new, repeated, seen = _register(arrivals)
            received, again, periods = received + new, again + repeated, periods | seen
    calendar_load.expect(collection, {p for p in periods if p})
    guard.execute("SELECT pg_advisory_unlock(hashtext(%s))", [lock])
    guard.commit()
    return received, again


def _make_up(connection: psycopg.Connection, names: list[str]) -> None:
    """What follows from being received, for whatever has been, also by a receiver that was killed."""
    for collection, periods in calendar_load.not_stated(connection, names).items():
        calendar_load.expect(collection, periods)  # what is expected is part of what figures rest on
    unknown = connection.execute(
        "SELECT submission_id FROM intake.waiting WHERE collection = ANY(%s) AND (period IS NULL OR sender IS NULL) ORDER BY collection, received_at, registered_at, submission_id",
        [names],
    ).fetchall()
    connection.commit()
    # Nobody waits for a file of no known period or sender, so it is looked at here: it will be held.
    process.process([row[0] for row in unknown])


def _order(listed: objects.Listed):
    """Versions named in file names first, then time, then the name with its numbers as numbers."""
    declared = re.search(r"_v(\d+)\b", listed.key)
    natural = [int(piece) if piece.isdigit() else piece for piece in re.split(r"(\d+)", listed.key)]
    return int(declared[1]) if declared else 1, listed.modified, natural


def _collect(collection: str, listed: objects.Listed) -> Arrival:
    of = settings.load()
    content, metadata = objects.get(of.inbox, listed.key, listed.etag)
    file_name = listed.key.rsplit("/", 1)[-1]
    is_sample = metadata.get("sample") == "true" or file_name.startswith("sample_")
    # Only a sample may say when it arrived; a real file arrived when the object store says so.
    arrived = metadata.get("arrived-at") if is_sample else None
    received_at = datetime.fromisoformat(arrived) if arrived else listed.modified
    arrival = Arrival(collection, listed.key, listed.etag, file_name, content, received_at, is_sample)
    objects.keep(content, arrival.sha256)  # whoever validates it here need not bring it again
    objects.copy_once(of.inbox, listed.key, listed.etag, of.archive, archive_key(arrival.sha256))
    return arrival


def archive_key(sha256: str) -> str:
    """Where the archive keeps the file of that hash."""
    return f"sha256/{sha256[:2]}/{sha256}"


def about(arrival: Arrival) -> tuple[str | None, str | None, str]:
    """Period, sender and part of a file: from its name where that tells both, else from its content."""
    declared = catalogue.load(arrival.collection)
    if not declared.is_national:
        for layout in layouts.load(arrival.collection):
            period = period_in_name(layout, arrival.file_name, declared.frequency)
            trust = trust_in_name(layout, arrival.file_name)
            if period and trust:
                return period, trust, layout.part
    reading = read(arrival.content, arrival.file_name, arrival.collection)
    return reading.period, reading.sender, reading.part


def _register(arrivals: list[Arrival]) -> tuple[int, int, set]:
    new = repeated = 0
    periods = set()
    with warehouse.connect() as connection:
        for one in arrivals:
            exists = connection.execute(
                "SELECT 1 FROM core.submission WHERE submission_id = %s", [one.submission_id]
            ).fetchone()
            if not exists:
                period, sender, part = about(one)
                periods.add(period)
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
                _note_answer(connection, one)
            connection.execute(
                "INSERT INTO core.receipt (inbox_key, etag, submission_id, received_at, again) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [one.key, one.etag, one.submission_id, one.received_at, bool(exists)],
            )
            new, repeated = new + (not exists), repeated + bool(exists)
    return new, repeated, periods


def _note_answer(connection: psycopg.Connection, one: Arrival) -> None:
    """Notes that a file was made from the workbook that we sent back about an earlier version of the same return."""
    from ..stewardship import manifest  # stewardship rests on the pipeline; only this looks the other way

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
