"""Takes submissions from the archive through reading and validation to records, and moves the pointers.

Those that were never validated are recorded together, in one transaction for a batch; any other one, and each where that fails, alone.
"""

import contextlib
import itertools
import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import psycopg

from ..stores import log, warehouse
from ..stores.faults import is_failure, is_outage
from ..validation import decisions_applied
from ..validation.validate import Outcome
from . import pointer, read_and_validate, rules_in_force, submission, write
from .identify_again import identify_again
from .read_and_validate import Plain
from .submission import Submission

logger = logging.getLogger(__name__)

DONE_BEFORE = "done_before"
TOGETHER = 4 * 1024 * 1024  # bytes of files whose rows are held in memory until they are recorded together


def validate_and_record(submission_ids: list[str]) -> dict[str, int]:
    """Validates and records submissions; one that another worker has done is left alone, one that fails stops no other.

    Returns:
        how many were accepted, accepted_with_warnings and held, how many another worker had done (done_before), and, where there are
        any, how many are another submission by new rules, which waits (identified).

    Raises:
        the first failure, when all others are done: a file that is not what was archived, or an id that is not known. What breaks on a
        file's content raises nothing: it is held.
        psycopg.OperationalError, botocore.exceptions.ClientError and the like: at once, when a store is down.
    """
    done, failures = try_each(submission_ids)
    if failures:
        for submission_id, problem in failures[1:]:
            failures[0][1].add_note(f"And {submission_id}: {log.short(problem)}")
        raise failures[0][1]
    return done


def try_each(submission_ids: list[str]) -> tuple[dict[str, int], list[tuple[str, BaseException]]]:
    """The same, but returns what failed, with the submission that it failed for; raises only what is wrong with a store."""
    done = Counter(accepted=0, accepted_with_warnings=0, held=0, done_before=0)
    failures: list[tuple[str, BaseException]] = []
    with warehouse.connect() as connection:
        with connection.transaction():
            new = submission.new_ones(connection, submission_ids)
            known = submission.load_each(connection, [one for one in submission_ids if one in new])
        alone = [one for one in submission_ids if one not in new]
        groups = _groups(known)
        each = _check_each(connection, [one for group in groups for one in group], failures)
        for group in groups:
            checked = [one for one in itertools.islice(each, len(group)) if one]
            recorded = _record_together(connection, checked)
            done.update(recorded.values())
            alone += [one.known.submission_id for one in checked if one.known.submission_id not in recorded]
        for submission_id in alone:
            with _failure_noted(connection, submission_id, failures):
                done[validate_and_record_one(connection, submission_id)] += 1
    return dict(done), failures


@contextlib.contextmanager
def _failure_noted(
    connection: psycopg.Connection, submission_id: str, failures: list[tuple[str, BaseException]]
) -> Iterator[None]:
    """Notes what fails for a submission; raises it where that is not about this submission but about a store."""
    try:
        yield
    except BaseException as problem:
        if not is_failure(problem) or is_outage(problem) or connection.closed:
            raise
        log.line(logger, "failed", level=logging.ERROR, submission_id=submission_id, problem=log.short(problem))
        failures.append((submission_id, problem))


class _Checked(NamedTuple):
    """A submission that was never validated before, what it came to, and the seconds that its caller waited for that."""

    known: Submission
    outcome: Outcome
    seconds: float


def _groups(submissions: list[Submission]) -> list[list[Submission]]:
    """Submissions that are recorded together: of one collection and period, and not more than is held in memory."""
    found: dict[tuple[str, str | None], list[list[Submission]]] = {}
    for one in submissions:
        lists = found.setdefault((one.collection, one.period), [[]])
        if sum(other.size for other in lists[-1]) + one.size > TOGETHER:
            lists.append([])
        lists[-1].append(one)
    return [group for lists in found.values() for group in lists if group]


def _check_each(
    connection: psycopg.Connection, submissions: list[Submission], failures: list[tuple[str, BaseException]]
) -> Iterator[_Checked | None]:
    """What each comes to, in this order, or None where that failed; the child process works on the next while the caller has one."""
    one: Submission | None = None
    begun: read_and_validate.Begun | None = None
    for following in [*submissions, None]:
        started, outcome = time.monotonic(), None
        if one and begun:
            with _failure_noted(connection, one.submission_id, failures):
                outcome = read_and_validate.outcome_or_held(begun)
        begun = None
        if following:
            with _failure_noted(connection, following.submission_id, failures):
                begun = read_and_validate.begin(connection, following, [])
        if one:
            yield _Checked(one, outcome, time.monotonic() - started) if outcome else None
        one = following


def _record_together(connection: psycopg.Connection, checked: list[_Checked]) -> dict[str, str]:
    """Records what new submissions of one collection and period came to and moves their pointers, in one transaction.

    The steps and their locks are in the order of `_record`, which does the same for one that may have been validated before.

    Returns:
        their states by id; nothing where one of them cannot be recorded like this: then each is done alone.
    """
    if not checked:
        return {}
    began = time.monotonic()
    ids = [one.known.submission_id for one in checked]
    try:
        with connection.transaction():
            write.keep_sweep_away(connection)
            of = checked[0].known.of
            written = write.write_records(
                of.collection, of.period, {one.known.submission_id: one.outcome for one in checked}
            )
            pointer.lock(connection, [one.known.of for one in checked])
            if submission.new_ones(connection, ids) != set(ids):
                return {}
            validated = [
                write.Validated(
                    id_,
                    one.outcome,
                    [],
                    read_and_validate.without_decisions(one.outcome),
                    written.get(id_),
                    write.write_findings(of.collection, of.period, one.outcome),
                )
                for id_, one in zip(ids, checked, strict=True)
            ]
            if not write.add_validations(connection, validated):
                return {}
            pointer.point_to_newest_accepted(connection, ids)
    except BaseException as problem:
        if not is_failure(problem) or is_outage(problem) or connection.closed:
            raise
        words = log.short(problem)
        log.line(logger, "not_recorded_together", level=logging.WARNING, submissions=len(ids), problem=words)
        return {}
    share = (time.monotonic() - began) / len(checked)
    for one in checked:
        _log(one.known, one.outcome.state, one.outcome, one.seconds + share)
    return {one.known.submission_id: one.outcome.state for one in checked}


def validate_and_record_one(connection: psycopg.Connection, submission_id: str, *, store: bool = True) -> str:
    """Validates a submission under the decisions in force, records it and moves the pointer, in one transaction at the end.

    A submission that breaks our own code is recorded as held by SYS-ERROR.

    Args:
        connection: of the pipeline's role. Inside a transaction of the caller's, everything stays in that.
        store: whether records go to the object store; a preview keeps them in the cache only.

    Returns:
        'accepted', 'accepted_with_warnings' or 'held'; 'done_before'; or 'identified': the file is another submission now, which waits.
    """
    began = time.monotonic()
    while True:
        with connection.transaction():
            known = submission.load(connection, submission_id)
            is_new = bool(submission.new_ones(connection, [submission_id]))
            decisions = [] if is_new else decisions_applied.in_force(connection, submission_id)
            if not is_new:
                pointer.lock(connection, [known.of])
                if _is_validated(connection, submission_id, decisions):
                    pointer.point_to_newest_accepted(connection, [submission_id])
                    return DONE_BEFORE
        became = identify_again(connection, submission_id) if store and not is_new else None
        if became:
            # A run of the new submission's period may not be under way: it waits, and its period is announced.
            if known.period is None or known.sender is None:
                return "identified"
            return validate_and_record_one(connection, became, store=store)
        outcome = read_and_validate.outcome_of(connection, submission_id, decisions, known)
        plain = read_and_validate.plain_of(connection, submission_id, outcome, decisions)
        try:
            state = _record(connection, known, outcome, decisions, plain, store)
        except BaseException as problem:
            if not is_failure(problem) or is_outage(problem) or connection.closed:
                raise
            outcome = read_and_validate.held_by_fault(submission_id, known, problem)
            plain = (
                replace(plain, outcome=None)
                if decisions
                else read_and_validate.plain_of(connection, submission_id, outcome, [])
            )
            state = _record(connection, known, outcome, decisions, plain, store)
        if state is not None:
            _log(known, state, outcome, time.monotonic() - began)
            return state
        # Somebody decided meanwhile: it is validated again under what holds now.


def _record(
    connection: psycopg.Connection,
    known: Submission,
    outcome: Outcome,
    decisions: list[decisions_applied.Decision],
    plain: Plain,
    store: bool,
) -> str | None:
    """Records an outcome and moves the pointer, in one transaction.

    Returns:
        its state, 'done_before', or None when decisions changed meanwhile.
    """
    submission_id = known.submission_id
    with connection.transaction():
        write.keep_sweep_away(connection)
        validated = [(outcome, decisions)] if plain.outcome is None else [(plain.outcome, []), (outcome, decisions)]
        to_add = [
            write.Validated(
                submission_id,
                one,
                under,
                plain,
                write.write_records(known.collection, known.period, {submission_id: one}, store).get(submission_id),
                write.write_findings(known.collection, known.period, one, store),
            )
            for one, under in validated
        ]
        pointer.lock(connection, [known.of])
        is_new = not decisions and bool(submission.new_ones(connection, [submission_id]))
        if not is_new and decisions_applied.in_force(connection, submission_id) != decisions:
            return None
        before = None if is_new else _recorded_rules(connection, submission_id)
        same = None
        with connection.transaction() as attempt:
            added = write.add_validations(connection, to_add)
            same = write.newest_is_same(connection, submission_id, before) if added and before else None
            if same:
                raise psycopg.Rollback(attempt)
        if same:  # it came to the same as the one that stands: only that is noted, and nothing moves
            connection.execute(
                "INSERT INTO core.found_again (submission_id, rules_version, same_as) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                [submission_id, same, before],
            )
        if not added:
            return DONE_BEFORE
        pointer.point_to_newest_accepted(connection, [submission_id])
    return str(outcome.state)


def _recorded_rules(connection: psycopg.Connection, submission_id: str) -> str | None:
    """The rules version of the validation that stands for a submission."""
    row = connection.execute(
        "SELECT rules_version FROM intake.validations WHERE submission_id = %s", [submission_id]
    ).fetchone()
    return row[0] if row else None


def _is_validated(
    connection: psycopg.Connection, submission_id: str, decisions: list[decisions_applied.Decision]
) -> bool:
    """Whether it was validated under these decisions, and rules that came into force since do not concern it."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM core.validation WHERE submission_id = %s AND decisions = %s::bigint[])",
        [submission_id, [one.decision_id for one in decisions]],
    ).fetchone()
    return row is not None and row[0] and not rules_in_force.concern(connection, submission_id)


def _log(known: Submission, state: str, outcome: Outcome, seconds: float) -> None:
    log.line(
        logger,
        "validated",
        submission_id=known.submission_id,
        **known.of._asdict(),
        state=state,
        rows_read=outcome.rows_read,
        rows_recorded=outcome.rows_recorded,
        rows_rejected=outcome.rows_rejected,
        findings=outcome.findings.height,
        seconds=seconds,
    )
