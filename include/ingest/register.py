"""Registers archived files as submissions, with a receipt for each file and what it answers."""

import logging
import time
from dataclasses import dataclass, field

import psycopg

from .. import catalogue, sql
from ..stores import log, refusals, warehouse
from ..stores.faults import is_failure, is_outage
from . import manifest, workbook_replies
from .identify_file import Identity, identify
from .inbox import Arrival, Failures, archive_key

logger = logging.getLogger(__name__)


@dataclass
class Registered:
    """How many files were new submissions, how many had been received before, and the periods they are about."""

    new: int = 0
    again: int = 0
    periods: set[str] = field(default_factory=set)


def register(arrivals: list[Arrival], failures: Failures, counts: Registered) -> None:
    """Registers files in one transaction, each in a savepoint of its own; one that cannot be registered is noted and left out."""
    with warehouse.connect() as connection:
        for one in arrivals:
            began = time.monotonic()
            try:
                with connection.transaction():
                    identity, again = _register(connection, one)
            except Exception as problem:
                if is_outage(problem) or connection.closed:
                    raise
                failures.add(one.key, "not_registered", problem)
                continue
            counts.new += not again
            counts.again += again
            counts.periods |= {identity.period} if identity.period else set()
            log.line(
                logger,
                "again" if again else "received",
                **one.log_facts(),
                **identity._asdict(),
                bytes=one.size,
                seconds=time.monotonic() - began,
            )


def _register(connection: psycopg.Connection, one: Arrival) -> tuple[Identity, bool]:
    """Registers one file; returns what it is about and whether its bytes had been received before."""
    known = _known(connection, one)
    if not known:
        identity = identify(one)
        if one.place_of and identity.sender and not _may_send(one, identity):
            # Not a version of the other trust's return, which it would be in the way of.
            one.sent_for, identity = identity.sender, identity._replace(sender=None)
            known = _known(connection, one)
    if known:
        identity = Identity(*known)
    else:
        _add_submission(connection, one, identity)
        _try_note_answer(connection, one)
    receipt = {
        "inbox_key": one.key,
        "etag": one.etag,
        "submission_id": one.submission_id,
        "received_at": one.received_at,
        "again": bool(known),
    }
    connection.execute(sql.text("ingest/add_receipt.sql"), receipt)
    connection.execute(
        sql.text("ingest/add_replies_with_file"), {"submission_id": one.submission_id, "inbox_key": one.key}
    )
    return identity, bool(known)


def _known(connection: psycopg.Connection, one: Arrival) -> tuple[str | None, str | None, str] | None:
    """What the file was registered as before; None where it was not."""
    return connection.execute(
        "SELECT period, sender, part FROM core.submission WHERE submission_id = %s", [one.submission_id]
    ).fetchone()


def _may_send(one: Arrival, identity: Identity) -> bool:
    """Whether a file that lies below a trust's code may be what it is: the trust's own, or a publisher's."""
    return identity.sender == one.place_of or catalogue.load(one.collection).is_national


def _add_submission(connection: psycopg.Connection, one: Arrival, identity: Identity) -> None:
    row = {
        "submission_id": one.submission_id,
        "collection": one.collection,
        "sha256": one.sha256,
        "bytes": one.size,
        "file_name": one.file_name,
        "archive_key": archive_key(one.sha256),
        "received_at": one.received_at,
        "is_sample": one.is_sample,
        **identity._asdict(),
    }
    connection.execute(sql.text("ingest/add_submission.sql"), row)
    if one.says_arrived is not None:
        connection.execute(
            "INSERT INTO core.not_dated (submission_id, arrived_at) VALUES (%s, %s)",
            [one.submission_id, one.says_arrived],
        )
    if one.sent_for is not None:
        connection.execute(
            "INSERT INTO core.sent_for_another (submission_id, sent_by, says) VALUES (%s, %s, %s)",
            [one.submission_id, one.place_of, one.sent_for],
        )


def _note_replies(connection: psycopg.Connection, one: Arrival) -> None:
    """Keeps what a trust replied in a workbook of ours, and what of it could not be read."""
    assert one.local is not None
    found = workbook_replies.read_back(one.local, one.file_name, one.collection)
    not_read = dict(found.not_read)
    for number, reply in found.given:
        try:
            values = reply | {"submission_id": one.submission_id}
            refusals.ask(connection, sql.text("ingest/add_reply"), values)
        except refusals.Refused as problem:  # such as personal data in a note
            not_read[number] = str(problem)
    for number, why in not_read.items():
        values = {"submission_id": one.submission_id, "number": number, "why": why}
        connection.execute(sql.text("ingest/add_reply_not_read"), values)
    if found.given or not_read:
        log.line(logger, "replies_read", replies=len(found.given), not_read=len(not_read), **one.log_facts())


def _try_note_answer(connection: psycopg.Connection, one: Arrival) -> None:
    """Notes which earlier version a file answers, if it was made from a workbook that we sent.

    A workbook that breaks this is received like any other file.
    """
    if one.local is None or not one.start.startswith(b"PK"):
        return
    try:
        with connection.transaction():
            if answer := manifest.answered(one.local):
                answers = {"submission_id": one.submission_id, "answers": answer.submission_id}
                if connection.execute(sql.text("ingest/add_answer.sql"), answers).rowcount:
                    _note_replies(connection, one)
    except BaseException as problem:
        if not is_failure(problem) or is_outage(problem):
            raise
        log.line(logger, "answer_not_noted", level=logging.ERROR, problem=log.short(problem), **one.log_facts())
