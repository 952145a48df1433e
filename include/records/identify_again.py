"""Registers a held file anew where new rules find that it is about something else than it was received as."""

import hashlib
from datetime import datetime
from pathlib import Path

import psycopg

from .. import sql
from ..reading import safely
from ..stores import settings
from ..stores.faults import is_failure, is_outage
from ..validation import versions
from . import archived

Identity = tuple[str, str, str]  # period, sender and part


def identify_again(connection: psycopg.Connection, submission_id: str) -> str | None:
    """Registers a held file anew where the rules in force see something else in it than it was received as.

    The first registration stays as a fact; the file is another submission from then on, the newest of its return. Where a later
    file of that return has come meanwhile, nothing is done.

    Returns:
        the new submission, or None where the file is about what it was received as, or that still cannot be determined.
    """
    with connection.transaction():
        row = connection.execute(sql.text("records/held_file.sql"), {"submission_id": submission_id}).fetchone()
    if row is None:
        return None
    collection, *before, archive_key, sha256, size, file_name, received_at, became = row
    if became:
        return str(became)
    if size > settings.largest_file():
        return None
    local = archived.local(connection, archive_key, sha256)
    try:
        after = identity(local, file_name, collection, received_at)
    except BaseException as problem:
        if not is_failure(problem) or is_outage(problem):
            raise
        return None  # our code breaks on it: validation says so
    if after is None or after == tuple(before):
        return None
    with connection.transaction():
        # As receivers do: one at a time gives out the numbers of versions.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"receive {collection}"])
        return _register(connection, submission_id, collection, after)


def identity(content: Path, file_name: str, collection: str, received_at: datetime) -> Identity | None:
    """What a file is about by the rules in force; None where that cannot be determined or contradicts itself."""
    reading = safely.read(content, file_name, collection, received_at, tables=False)
    doubts = {rule for found in reading.findings for rule in found["rule_id"]} & {"FIL-PERIOD", "FIL-SENDER"}
    if reading.layout is None or not reading.period or not reading.sender or doubts:
        return None
    return reading.period, reading.sender, reading.part


def new_id(submission_id: str, period: str, sender: str, part: str) -> str:
    """The submission that a file becomes which was received as another one."""
    return hashlib.sha256(f"{submission_id}|{period}|{sender}|{part}".encode()).hexdigest()[:20]


def next_version(connection: psycopg.Connection, submission_id: str, period: str, sender: str, part: str) -> int | None:
    """Its number among the versions of that return; None where a later file of that return has come, which then is the newest."""
    values = {"submission_id": submission_id, "period": period, "sender": sender, "part": part}
    row = connection.execute(sql.text("records/newest_version.sql"), values).fetchone()
    return None if row is None or row[1] else int(row[0]) + 1


def _register(connection: psycopg.Connection, submission_id: str, collection: str, after: Identity) -> str | None:
    known = connection.execute("SELECT became FROM core.identified_later WHERE submission_id = %s", [submission_id])
    if row := known.fetchone():  # another worker was first
        return str(row[0])
    became, version = new_id(submission_id, *after), next_version(connection, submission_id, *after)
    if version is None:
        return None
    period, sender, part = after
    values = {"became": became, "period": period, "sender": sender, "part": part, "version": version}
    connection.execute(sql.text("records/register_again.sql"), values | {"submission_id": submission_id})
    connection.execute(
        "INSERT INTO core.not_dated (submission_id, arrived_at) SELECT %s, arrived_at FROM core.not_dated WHERE submission_id = %s",
        [became, submission_id],
    )
    connection.execute(
        "INSERT INTO core.identified_later (submission_id, became, rules_version) VALUES (%s, %s, %s)",
        [submission_id, became, versions.version(collection)],
    )
    return became
