"""Takes submissions from the archive through reading and validation to records, and moves what counts, one transaction each."""

import hashlib
import io
import logging
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial

import polars as pl
import psycopg

from ..reading.read import read
from ..reading.reading import Reading
from ..schemas.rules import US
from ..stores import log, objects, settings, warehouse
from ..stores.faults import is_failure, is_outage
from ..validation import decisions_applied, profile, validate, versions
from ..validation.validate import HELD, Outcome
from . import revalidate

logger = logging.getLogger(__name__)
SWEEP_LOCK = 716_201_703  # shared by those that write records, taken alone by the sweep


@dataclass(frozen=True)
class Plain:
    """What a submission is by the rules in force when nobody decided anything: a trust is told by these what it sent.

    Attributes:
        outcome: to be recorded beside the validation under decisions; None: it is the same, or it stands recorded.
    """

    identified: bool
    state: str
    cells_expected: int
    cells_valid: int
    outcome: Outcome | None = None


def process(submission_ids: list[str]) -> dict:
    """Validates and records submissions; one that another worker has done is left alone, one that fails stops no other.

    Returns:
        how many were accepted, accepted_with_warnings and held, and how many another worker had done.

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


def try_each(submission_ids: list[str]) -> tuple[dict, list[tuple[str, BaseException]]]:
    """The same, but gives back what failed, with the submission that it failed for; raises only what is wrong with a store."""
    done = Counter(accepted=0, accepted_with_warnings=0, held=0, done_before=0)
    failures = []
    with warehouse.connect() as connection:
        for submission_id in submission_ids:
            try:
                done[settle(connection, submission_id)] += 1
            except BaseException as problem:
                if not is_failure(problem) or is_outage(problem) or connection.closed:
                    raise
                log.line(logger, "failed", level=logging.ERROR, submission_id=submission_id, problem=log.short(problem))
                failures.append((submission_id, problem))
    return dict(done), failures


def settle(connection: psycopg.Connection, submission_id: str, *, keep_records: bool = True) -> str:
    """Validates a submission under the decisions in force, records it and moves what counts, in one transaction at the end.

    A submission that breaks our own code is recorded as held by SYS-ERROR.

    Args:
        connection: of the pipeline's role. Inside a transaction of the caller's, everything stays in that.
        keep_records: whether records go to the object store; a preview keeps them in the cache only.

    Returns:
        'accepted', 'accepted_with_warnings' or 'held'; 'done_before'; or 'identified': the file is another submission now, which waits.
    """
    began = time.monotonic()
    with connection.transaction():
        chain = collection, period, sender, part = _about(connection, submission_id)[:4]
    while True:
        with connection.transaction():
            decisions = decisions_applied.in_force(connection, submission_id)
            _lock(connection, *chain)
            if _done(connection, submission_id, decisions):
                count(connection, submission_id)
                return "done_before"
        became = revalidate.identify_again(connection, submission_id) if keep_records else None
        if became:
            # Of one that no run was for it is not known whether this one is: it waits, and its period is announced.
            return "identified" if None in (period, sender) else settle(connection, became, keep_records=keep_records)
        outcome = outcome_of(connection, submission_id, decisions)
        plain = plain_of(connection, submission_id, outcome, decisions)
        try:
            state = _settled(connection, submission_id, chain, outcome, decisions, plain, keep_records)
        except BaseException as problem:
            if not is_failure(problem) or is_outage(problem) or connection.closed:
                raise
            outcome = _broken(submission_id, outcome.reading, problem)
            plain = replace(plain, outcome=None) if decisions else plain_of(connection, submission_id, outcome, [])
            state = _settled(connection, submission_id, chain, outcome, decisions, plain, keep_records)
        if state is None:
            continue  # somebody decided meanwhile: what was found is not what holds now
        log.line(
            logger,
            "validated",
            submission_id=submission_id,
            collection=collection,
            period=period,
            sender=sender,
            part=part,
            state=state,
            rows_read=outcome.rows_read,
            rows_recorded=outcome.rows_recorded,
            rows_rejected=outcome.rows_rejected,
            findings=outcome.findings.height,
            seconds=time.monotonic() - began,
        )
        return state


def _settled(
    connection, submission_id: str, chain: tuple, outcome: Outcome, decisions, plain: Plain, keep_records: bool
) -> str | None:
    """Records an outcome and moves what counts, in one transaction; its state, 'done_before', or None when decisions changed meanwhile."""
    with connection.transaction():
        # From before the object is written until it is named, the sweep keeps away.
        connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [SWEEP_LOCK])
        records = _write_records(submission_id, chain[1], outcome, keep_records)
        plain_records = _write_records(submission_id, chain[1], plain.outcome, keep_records) if plain.outcome else None
        _lock(connection, *chain)
        if decisions_applied.in_force(connection, submission_id) != decisions:
            return None
        add = partial(_record_both, connection, submission_id, outcome, records, decisions, plain, plain_records)
        if not revalidate.record(connection, submission_id, add):
            return "done_before"
        count(connection, submission_id)
    return outcome.state


def plain_of(
    connection: psycopg.Connection, submission_id: str, outcome: Outcome, decisions: list[decisions_applied.Decision]
) -> Plain:
    """What a submission is without decisions, if this is its outcome under them."""
    if not decisions:
        return Plain(outcome.identified, outcome.state, outcome.cells_expected, outcome.cells_valid)
    with connection.transaction():
        stands = connection.execute(
            "SELECT identified, outcome, cells_expected, cells_valid FROM core.validation WHERE submission_id = %s AND rules_version = %s",
            [submission_id, versions.version(outcome.reading.collection)],
        ).fetchone()
    if stands:
        return Plain(*stands)
    plain = outcome_of(connection, submission_id, [])
    return Plain(plain.identified, plain.state, plain.cells_expected, plain.cells_valid, plain)


def _about(connection: psycopg.Connection, submission_id: str) -> tuple:
    row = connection.execute(
        """SELECT s.collection, s.period, s.sender, s.part, s.archive_key, s.sha256, s.file_name, s.received_at, n.arrived_at
           FROM core.submission s LEFT JOIN core.not_dated n USING (submission_id) WHERE s.submission_id = %s""",
        [submission_id],
    ).fetchone()
    if row is None:
        raise LookupError(f"There is no submission '{submission_id}' in the ledger. List them in intake.submissions.")
    return row


def reading_of(connection: psycopg.Connection, submission_id: str) -> Reading:
    """What the archived file of a submission says, as sent."""
    with connection.transaction():
        collection, _, _, _, archive_key, sha256, file_name, received_at, _ = _about(connection, submission_id)
    return read(objects.content(settings.load().archive, archive_key, sha256), file_name, collection, received_at)


def outcome_of(
    connection: psycopg.Connection, submission_id: str, decisions: list[decisions_applied.Decision]
) -> Outcome:
    """Reads the archived file and validates it under these decisions; what breaks on its content is a finding."""
    with connection.transaction():
        collection, period, sender, part, archive_key, sha256, file_name, received_at, says_arrived = _about(
            connection, submission_id
        )
    content = objects.content(settings.load().archive, archive_key, sha256)
    reading = Reading(collection, file_name)
    try:
        reading = read(content, file_name, collection, received_at)
        _agrees(reading, period, sender, part)
        if says_arrived is not None:
            reading.found(
                "FIL-ARRIVED",
                f"The sample says that it arrived at '{says_arrived}', which is no time. Expected one such as 2025-07-01T09:00:00+01:00 "
                "in its metadata 'arrived-at': correct that and send the file again.",
            )
        return validate.validate(reading, decisions)
    except BaseException as problem:
        if not is_failure(problem) or is_outage(problem):
            raise
        return _broken(submission_id, reading, problem)


# As it was when this was loaded: it must work also where something has been put in its place.
_hold = validate.validate


def _broken(submission_id: str, reading: Reading, problem: BaseException) -> Outcome:
    """Held, because our own code broke on it: the reason is for our log, what to do is for whoever sent it."""
    log.line(
        logger,
        "broke",
        level=logging.ERROR,
        submission_id=submission_id,
        collection=reading.collection,
        problem=log.short(problem),
        at=log.where(problem),
    )
    held = Reading(reading.collection, reading.file_name)
    held.found(
        "SYS-ERROR",
        "This file could not be checked because of a fault in our own system, so it is held. We must act: the fault is in our log under "
        "the number of this submission. You need not send anything again.",
        responsible=US,
    )
    return _hold(held)


def _lock(connection: psycopg.Connection, *chain) -> None:
    """One at a time moves what counts of a return."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext(concat_ws('|', 'counting', %s::text, %s::text, %s::text, %s::text)))",
        chain,
    )


def _done(connection: psycopg.Connection, submission_id: str, decisions: list[decisions_applied.Decision]) -> bool:
    """Whether it was validated under these decisions, and other rules that are in force since then do not concern it."""
    done = connection.execute(
        "SELECT EXISTS (SELECT FROM core.validation WHERE submission_id = %s AND decisions = %s::bigint[])",
        [submission_id, [one.decision_id for one in decisions]],
    ).fetchone()[0]
    return done and not revalidate.concerns(connection, submission_id)


def _agrees(reading: Reading, period, sender, part) -> None:
    """A file must be about what it was registered as."""
    if not reading.layout:
        return
    found = {rule for frame in reading.findings for rule in frame["rule_id"]}
    if reading.period and (reading.period, reading.part) != (period, part) and "FIL-PERIOD" not in found:
        reading.found(
            "FIL-PERIOD",
            f"The file was received as {period or 'of no known period'}, but its content is about {reading.period}. Send it again under a name that fits.",
        )
    if reading.sender and reading.sender != sender and "FIL-SENDER" not in found:
        reading.found(
            "FIL-SENDER",
            f"The file was received as {f'sent by {sender}' if sender else 'of no known sender'}, but its content is about {reading.sender}. "
            "Send it again under a name with the ODS code.",
        )


def _write_records(submission_id: str, period: str, outcome: Outcome, keep: bool) -> tuple[str, str, int] | None:
    """Writes the accepted rows as one Parquet object named by its content; returns key, hash and size, None if it is held."""
    if outcome.state == HELD:
        return None
    content = as_parquet(submission_id, outcome)
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"{outcome.reading.collection}/{period}/{submission_id}/{sha256[:16]}.parquet"
    if keep:
        objects.put_once(settings.load().records, key, content)
    objects.keep(content, sha256)
    return key, sha256, len(content)


def as_parquet(submission_id: str, outcome: Outcome) -> bytes:
    named = pl.Series("submission_id", [submission_id] * outcome.records.height, pl.String)
    buffer = io.BytesIO()
    outcome.records.insert_column(0, named).write_parquet(buffer, compression="lz4")
    return buffer.getvalue()


def _record_both(
    connection,
    submission_id: str,
    outcome: Outcome,
    records,
    decisions: list[decisions_applied.Decision],
    plain: Plain,
    plain_records,
) -> bool:
    """Adds the validation under decisions, and beside it the one without, so that a release need not read the file again.

    Both are of one moment: what the trust was told first is the one under decisions.
    """
    (moment,) = connection.execute("SELECT clock_timestamp()").fetchone()
    if plain.outcome:
        _record(connection, submission_id, plain.outcome, plain_records, [], plain, moment)
    return _record(connection, submission_id, outcome, records, decisions, plain, moment)


def _record(
    connection,
    submission_id: str,
    outcome: Outcome,
    records,
    decisions: list[decisions_applied.Decision],
    plain: Plain,
    moment,
) -> bool:
    """Adds the validation and its findings; False when another worker has added them."""
    key, sha256, size = records or (None, None, None)
    reading, rules_version = outcome.reading, versions.version(outcome.reading.collection)
    if decisions:  # the same rules under other decisions find something else
        rules_version += "." + hashlib.sha256(decisions_applied.key(decisions).encode()).hexdigest()[:12]
    added = connection.execute(
        """
        INSERT INTO core.validation (submission_id, rules_version, layout, outcome, rows_read, rows_recorded, rows_rejected, rows_held,
                                     rows_set_aside, cells_expected, cells_valid, records_key, records_sha256, records_bytes, decisions,
                                     counts_hash, identified, plain_outcome, plain_cells_expected, plain_cells_valid,
                                     validated_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        [
            submission_id,
            rules_version,
            reading.layout.name if reading.layout else None,
            outcome.state,
            outcome.rows_read,
            outcome.rows_recorded,
            outcome.rows_rejected,
            outcome.rows_held,
            reading.rows_set_aside,
            outcome.cells_expected,
            outcome.cells_valid,
            key,
            sha256,
            size,
            [one.decision_id for one in decisions],
            _counts_hash(outcome),
            plain.identified,
            plain.state,
            plain.cells_expected,
            plain.cells_valid,
            moment,
        ],
    ).rowcount
    if not added:
        return False
    found = outcome.findings.with_row_index("number", 1)
    # PostgreSQL keeps no NUL in a text; the file in the archive does.
    found = found.with_columns(
        pl.col("raw_value", "message", "column_name").str.replace_all("\x00", "\N{REPLACEMENT CHARACTER}", literal=True)
    )
    warehouse.copy(connection, "finding", found, submission_id=submission_id, rules_version=rules_version)
    rows = outcome.provider_rows
    warehouse.copy(connection, "provider_rows", rows, submission_id=submission_id, rules_version=rules_version)
    looks = profile.of(outcome.records, reading.collection)
    warehouse.copy(connection, "profile", looks, submission_id=submission_id, rules_version=rules_version)
    return True


def _counts_hash(outcome: Outcome) -> str:
    """Names what figures take of a validation besides its records."""
    counted = [outcome.cells_expected, outcome.cells_valid, outcome.provider_rows.rows()]
    return hashlib.sha256(repr(counted).encode()).hexdigest()[:16]


def count(connection: psycopg.Connection, submission_id: str) -> None:
    """Points to what should count of a submission's return: its newest version that stands accepted, a real one before a sample.

    The caller holds the lock of that return. A pointer that stands there already does not move.
    """
    chain = connection.execute(
        "SELECT collection, period, sender, part FROM core.submission WHERE submission_id = %s", [submission_id]
    ).fetchone()
    if None in chain:
        return
    best = connection.execute(
        """
        SELECT s.submission_id, v.rules_version FROM core.submission s
        CROSS JOIN LATERAL (
          SELECT v.rules_version, v.outcome FROM core.validation v
          WHERE v.submission_id = s.submission_id
          ORDER BY v.decisions = coalesce((SELECT a.decisions FROM core.applying_sets a WHERE a.submission_id = s.submission_id), '{}') DESC,
                   v.validated_at DESC, v.rules_version DESC LIMIT 1) v
        WHERE (s.collection, s.period, s.sender, s.part) = (%s, %s, %s, %s) AND v.outcome <> 'held'
        ORDER BY s.is_sample, s.version DESC LIMIT 1
        """,
        chain,
    ).fetchone()
    if best is None:
        connection.execute(
            "DELETE FROM core.counting WHERE (collection, period, sender, part) = (%s, %s, %s, %s)", chain
        )
        return
    connection.execute(
        """
        INSERT INTO core.counting AS c (collection, period, sender, part, submission_id, rules_version) VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (collection, period, sender, part) DO UPDATE
        SET submission_id = excluded.submission_id, rules_version = excluded.rules_version, since = clock_timestamp()
        WHERE (c.submission_id, c.rules_version) <> (excluded.submission_id, excluded.rules_version)
        """,
        [*chain, *best],
    )


def findings_of(content: bytes, file_name: str, collection: str) -> Outcome:
    """What would happen to a file: the same reading and the same rules, and no services."""
    return validate.validate(read(content, file_name, collection))
