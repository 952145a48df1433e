"""Local files of accepted rows; where their object is lost or harmed it is made anew, by reading the archived files again.

Objects of findings are made anew likewise.

Rows are made anew only if they are those that were recorded, by their hash. The object has its old name where its bytes come out the
same; other versions of the libraries may write the same rows as other bytes, and then it has a name of its own beside the old one.
Returns of 20,000 rows and more are known by those bytes alone (`record_objects.hash_of`), so with other libraries they come from a backup.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from .. import sql
from ..stores import log, objects
from ..validation import decisions_applied
from ..validation.validate import Outcome
from . import findings_kept, read_and_validate, record_objects
from .record_objects import Wanted

logger = logging.getLogger(__name__)


class _Held(NamedTuple):
    """A submission whose accepted rows or findings an object holds, and the decisions that it was validated under.

    Attributes:
        findings_sha256: None for an object of records.
    """

    submission_id: str
    collection: str
    period: str | None
    decisions: list[int]
    records_sha256: str | None
    findings_sha256: str | None


def files(connection: psycopg.Connection[Any], wanted: Sequence[Wanted]) -> list[Path]:
    """As `record_objects.files`, after what is lost or harmed was made anew.

    Raises:
        Harmed: an object cannot be had or made anew; the message names it, and the submissions whose rows it holds.
    """
    healed: set[str] = set()
    while True:
        try:
            return record_objects.files(wanted)
        except objects.Harmed as harmed:
            if harmed.key in healed:
                raise
            heal(connection, harmed)
            healed.add(harmed.key)


def own_file(connection: psycopg.Connection[Any], wanted: Wanted) -> Path:
    """As `record_objects.own_file`, after what is lost or harmed was made anew."""
    (path,) = files(connection, [wanted])
    return path


def heal(connection: psycopg.Connection[Any], harmed: objects.Harmed) -> None:
    """Makes an object of records or findings anew from the archived files of the submissions that it is of.

    Raises:
        Harmed: that does not give the same, or a file is not there; the message names the submissions.
    """
    with connection.transaction(), connection.cursor(row_factory=class_row(_Held)) as cursor:
        held = cursor.execute(sql.text("records/rows_of_object"), {"key": harmed.key}).fetchall()
    try:
        if held and held[0].findings_sha256:
            content = _findings_again(connection, held[0])
        else:
            content = record_objects.as_parquet({one.submission_id: _made_again(connection, one) for one in held})
    except _Different as problem:
        raise _not_healed(harmed, held, str(problem)) from harmed
    except objects.Harmed as problem:
        raise _not_healed(harmed, held, f"an archived file is lost too ({problem.key})") from harmed
    key = record_objects.put_back(harmed.key, content)
    log.line(
        logger,
        "healed",
        level=logging.WARNING,
        bucket=harmed.bucket,
        key=key,
        source="the archive",
        was=harmed.reason,
        submissions=len(held),
    )


class _Different(Exception):
    """The rows cannot be made anew; the text says why."""


def _findings_again(connection: psycopg.Connection[Any], one: _Held) -> bytes:
    found = findings_kept.numbered(_validated_again(connection, one).findings)
    if findings_kept.hash_of(found) != one.findings_sha256:
        raise _Different(f"by the rules and libraries of today {one.submission_id} does not give what was found")
    return findings_kept.as_parquet(found)


def _made_again(connection: psycopg.Connection[Any], one: _Held) -> record_objects.Rows:
    rows = record_objects.rows_of(one.submission_id, _validated_again(connection, one))
    if record_objects.hash_of(one.submission_id, rows) != one.records_sha256:
        raise _Different(f"by the rules and libraries of today {one.submission_id} does not give what was recorded")
    return rows


def _validated_again(connection: psycopg.Connection[Any], one: _Held) -> Outcome:
    decisions: list[decisions_applied.Decision] = []
    if one.decisions:
        with connection.transaction():
            decisions = decisions_applied.in_force(connection, one.submission_id)
        if [each.decision_id for each in decisions] != one.decisions:
            raise _Different(f"other decisions bear on {one.submission_id} now")
    return read_and_validate.outcome_of(connection, one.submission_id, decisions)


def _not_healed(harmed: objects.Harmed, held: list[_Held], why: str) -> objects.Harmed:
    about = sorted({f"{one.collection} {one.period}" for one in held})
    what = "findings" if any(one.findings_sha256 for one in held) else "accepted rows"
    names = ", ".join(dict.fromkeys(one.submission_id for one in held)) or "no submission"
    return objects.Harmed(
        harmed.bucket,
        harmed.key,
        f"{harmed.reason}; it holds the {what} of {names} ({', '.join(about)}) and cannot be made anew: {why}. "
        f"Put it back from a backup: {objects.HEAL}",
    )
