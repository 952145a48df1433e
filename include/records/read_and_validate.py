"""What a submission comes to: its archived file read, and validated under decisions; what breaks on its content is a finding."""

import contextlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from ..reading import safely
from ..reading.raw_table import Unreadable
from ..reading.read import read, unreadable
from ..reading.reading import Reading
from ..schemas.rules import US
from ..stores import child_process, log
from ..stores.child_process import Ended
from ..stores.faults import is_failure, is_outage
from ..validation import decisions_applied, validate, versions
from ..validation.validate import Outcome
from . import record_objects, submission
from .submission import Submission

FIRST_ROWS = 1000  # of each table of a file that cannot be checked as a whole

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plain:
    """What a submission is by the rules in force without any decision: this is what a trust is told that it sent.

    Attributes:
        outcome: to be recorded beside the validation under decisions; None: it is the same, or it is recorded already.
    """

    identified: bool
    state: str
    cells_expected: int
    cells_valid: int
    outcome: Outcome | None = None


def reading_of(connection: psycopg.Connection, submission_id: str) -> Reading:
    """What the archived file of a submission says, as sent."""
    with connection.transaction():
        one = submission.load(connection, submission_id)
    if too_large := one.too_large:
        return unreadable(too_large, one.file_name, one.collection, one.received_at)
    return safely.read(one.local(connection), one.file_name, one.collection, one.received_at)


def outcome_of(
    connection: psycopg.Connection,
    submission_id: str,
    decisions: list[decisions_applied.Decision],
    known: Submission | None = None,
) -> Outcome:
    """Reads the archived file and validates it under these decisions.

    Args:
        known: the submission, where the caller has loaded it.
    """
    if known is None:
        with connection.transaction():
            known = submission.load(connection, submission_id)
    return outcome_or_held(begin(connection, known, decisions))


@dataclass(frozen=True)
class Begun:
    """A submission that the child process works on.

    Attributes:
        local: a copy of the file on this machine; None where it is too large to be read.
        asked: what waits for the child; None where there is nothing to wait for.
    """

    known: Submission
    decisions: list[decisions_applied.Decision]
    local: Path | None
    asked: child_process.Asked[Outcome] | None


def begin(connection: psycopg.Connection, known: Submission, decisions: list[decisions_applied.Decision]) -> Begun:
    """Has the child process read and validate an archived file; `outcome_or_held` waits for what it comes to."""
    return begin_at(None if known.too_large else known.local(connection), known, decisions)


def begin_at(local: Path | None, known: Submission, decisions: list[decisions_applied.Decision]) -> Begun:
    """The same for a file that is on this machine already."""
    asked = child_process.ask(_read_and_validate, local, known, decisions) if local else None
    return Begun(known, decisions, local, asked)


def outcome_or_held(begun: Begun) -> Outcome:
    """What a file comes to; one that our own code breaks on is held."""
    try:
        return outcome_or_raise(begun)
    except BaseException as problem:
        if not is_failure(problem) or is_outage(problem):
            raise
        return held_by_fault(begun.known.submission_id, begun.known, problem)


def outcome_or_raise(begun: Begun) -> Outcome:
    """What a file comes to; one that cannot be read, or not within the limits of the child process, is held with a finding.

    Raises:
        Exception: our own code breaks on it.
    """
    known, decisions = begun.known, begun.decisions
    why = known.too_large
    if begun.asked and begun.local:
        try:
            return begun.asked.result()
        except Ended as ended:
            why = safely.why(ended, known.file_name)
            if ended.reason == "memory":
                with contextlib.suppress(Ended):
                    return child_process.run(_read_and_validate, begun.local, known, decisions, why)
    assert why is not None
    return _validated(unreadable(why, known.file_name, known.collection, known.received_at), known, decisions)


def _read_and_validate(
    content: Path, known: Submission, decisions: list[decisions_applied.Decision], too_much: Unreadable | None = None
) -> Outcome:
    """Runs in the child process. The tables as sent stay there, and many rows leave it as they are stored.

    Args:
        too_much: why the file cannot be checked as a whole. It is held for that, and its first rows are checked, because errors in
            every row take more memory than the rows, and whoever sent them should hear which.
    """
    reading = read(safely.bytes_of(content), known.file_name, known.collection, known.received_at)
    if too_much:
        rows = max((table.frame.height for table in reading.tables), default=0)
        only = (
            f" Only its first {FIRST_ROWS:,} rows were checked; what is wrong with them may be wrong with many."
            if rows > FIRST_ROWS
            else ""
        )
        reading.found(too_much.rule_id, too_much.message + only)
        for table in reading.tables:
            table.frame = table.frame.head(FIRST_ROWS)
    outcome = _validated(reading, known, decisions)
    outcome = replace(outcome, reading=replace(outcome.reading, tables=[], findings=[]))
    return record_objects.packed(known.submission_id, outcome)


def _validated(reading: Reading, known: Submission, decisions: list[decisions_applied.Decision]) -> Outcome:
    if known.sent_by is not None:
        reading.found(
            "FIL-SENDER",
            f"The file came from {known.sent_by}, but its content is about {reading.sender or 'another trust'}. A trust sends its own files only: "
            f"send a file about {known.sent_by}, or have the other trust send this one.",
        )
    else:
        _check_identity(reading, known)
    if known.says_arrived is not None:
        reading.found(
            "FIL-ARRIVED",
            f"The sample says that it arrived at '{known.says_arrived}', which is not a time. Expected one such as "
            "2025-07-01T09:00:00+01:00 in its metadata 'arrived-at': correct that and send the file again.",
        )
    return validate.validate(reading, decisions)


def without_decisions(outcome: Outcome) -> Plain:
    """What a submission is that no decision applies to."""
    return Plain(outcome.identified, outcome.state, outcome.cells_expected, outcome.cells_valid)


def plain_of(
    connection: psycopg.Connection, submission_id: str, outcome: Outcome, decisions: list[decisions_applied.Decision]
) -> Plain:
    """What a submission is without decisions, if this is its outcome under them."""
    if not decisions:
        return without_decisions(outcome)
    with connection.transaction():
        recorded = connection.execute(
            "SELECT identified, outcome, cells_expected, cells_valid FROM core.validation WHERE submission_id = %s AND rules_version = %s",
            [submission_id, versions.version(outcome.reading.collection)],
        ).fetchone()
    if recorded:
        return Plain(*recorded)
    plain = outcome_of(connection, submission_id, [])
    return replace(without_decisions(plain), outcome=plain)


def held_by_fault(submission_id: str, known: Submission, problem: BaseException) -> Outcome:
    """Held because our own code broke on it: the reason is for our log, what to do is for whoever sent it."""
    log.line(
        logger,
        "broke",
        level=logging.ERROR,
        submission_id=submission_id,
        collection=known.collection,
        problem=log.short(problem),
        at=log.where(problem),
    )
    held = Reading(known.collection, known.file_name)
    held.found(
        "SYS-ERROR",
        "This file could not be checked because of a fault in our own system, so it is held. We must act: the fault is in our log under "
        "the number of this submission. You need not send anything again.",
        responsible=US,
    )
    return validate.validate(held)


def _check_identity(reading: Reading, known: Submission) -> None:
    """A file must be about what it was registered as."""
    if not reading.layout:
        return
    found = {rule for frame in reading.findings for rule in frame["rule_id"]}
    if reading.period and (reading.period, reading.part) != (known.period, known.part) and "FIL-PERIOD" not in found:
        reading.found(
            "FIL-PERIOD",
            f"The file was received as {known.period or 'of no known period'}, but its content is about {reading.period}. "
            "Send it again under a name that fits.",
        )
    if reading.sender and reading.sender != known.sender and "FIL-SENDER" not in found:
        received = f"sent by {known.sender}" if known.sender else "of no known sender"
        reading.found(
            "FIL-SENDER",
            f"The file was received as {received}, but its content is about {reading.sender}. "
            "Send it again under a name with the ODS code.",
        )
