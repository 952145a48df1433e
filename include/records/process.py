"""Takes submissions from the archive through reading and validation to records, and moves what counts, one transaction each."""

import hashlib
import io
from collections import Counter
from pathlib import Path

import polars as pl
import psycopg

from ..reading.read import read
from ..reading.reading import Reading
from ..stores import objects, settings, warehouse
from ..validation import decided, profile, validate
from ..validation.validate import HELD, Outcome

SWEEP_LOCK = 716_201_703  # shared by those that write records, taken alone by the sweep


def process(submission_ids: list[str]) -> dict:
    """Validates and records submissions; one that another worker has done is left alone.

    Returns:
        how many were accepted, accepted_with_warnings and held, and how many another worker had done.
    """
    done = Counter(accepted=0, accepted_with_warnings=0, held=0, done_before=0)
    with warehouse.connect() as connection:
        for submission_id in submission_ids:
            done[settle(connection, submission_id)] += 1
    return dict(done)


def settle(connection: psycopg.Connection, submission_id: str, *, keep_records: bool = True) -> str:
    """Validates a submission under the decisions in force, records it and moves what counts, in one transaction at the end.

    Args:
        connection: of the pipeline's role. Inside a transaction of the caller's, everything stays in that.
        keep_records: whether records go to the object store; a preview keeps them in the cache only.

    Returns:
        'accepted', 'accepted_with_warnings' or 'held', or 'done_before'.
    """
    with connection.transaction():
        collection, period, sender, part, *_ = _about(connection, submission_id)
    while True:
        with connection.transaction():
            decisions = decided.in_force(connection, submission_id)
            _lock(connection, collection, period, sender, part)
            if _done(connection, submission_id, decisions):
                count(connection, submission_id)
                return "done_before"
        outcome = _validated(connection, submission_id, decisions)
        with connection.transaction():
            # From before the object is written until it is named, the sweep keeps away.
            connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [SWEEP_LOCK])
            records = None if outcome.state == HELD else _write_records(submission_id, period, outcome, keep_records)
            _lock(connection, collection, period, sender, part)
            if decided.in_force(connection, submission_id) != decisions:
                continue  # somebody decided meanwhile: what was found is not what holds now
            if not _record(connection, submission_id, outcome, records, decisions):
                return "done_before"
            count(connection, submission_id)
        return outcome.state


def records_without_decisions(connection: psycopg.Connection, submission_id: str) -> Path | None:
    """A local copy of the records that a submission has when nobody decided anything about it; None if it is held then."""
    outcome = _validated(connection, submission_id, [])
    if outcome.state == HELD:
        return None
    content = _as_parquet(submission_id, outcome)
    return objects.keep(content, hashlib.sha256(content).hexdigest())


def _about(connection: psycopg.Connection, submission_id: str) -> tuple:
    row = connection.execute(
        "SELECT collection, period, sender, part, archive_key, sha256, file_name FROM core.submission WHERE submission_id = %s",
        [submission_id],
    ).fetchone()
    if row is None:
        raise LookupError(f"There is no submission '{submission_id}' in the ledger. List them in intake.submissions.")
    return row


def _validated(connection: psycopg.Connection, submission_id: str, decisions: list[decided.Decision]) -> Outcome:
    """Reads the archived file and validates it under these decisions."""
    with connection.transaction():
        collection, period, sender, part, archive_key, sha256, file_name = _about(connection, submission_id)
    content = objects.content(settings.load().archive, archive_key, sha256)
    reading = read(content, file_name, collection)
    _agrees(reading, period, sender, part)
    return validate.validate(reading, decisions)


def _lock(connection: psycopg.Connection, *chain) -> None:
    """One at a time moves what counts of a return."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext(concat_ws('|', 'counting', %s::text, %s::text, %s::text, %s::text)))",
        chain,
    )


def _done(connection: psycopg.Connection, submission_id: str, decisions: list[decided.Decision]) -> bool:
    return connection.execute(
        "SELECT EXISTS (SELECT FROM core.validation WHERE submission_id = %s AND decisions = %s::bigint[])",
        [submission_id, [one.decision_id for one in decisions]],
    ).fetchone()[0]


def _agrees(reading: Reading, period, sender, part) -> None:
    """A file that was registered by its name must be about what its name says."""
    if reading.layout and reading.period and (reading.period, reading.part) != (period, part):
        reading.found(
            "FIL-PERIOD",
            f"The file was received as {period or 'of no known period'}, but its content is about {reading.period}. Send it again under a name that fits.",
        )
    if reading.layout and sender is None and reading.sender:
        reading.found(
            "FIL-SENDER",
            "It could not be told who sent the file when it was received. Send it again under a name with the ODS code.",
        )


def _write_records(submission_id: str, period: str, outcome: Outcome, keep: bool) -> tuple[str, str, int]:
    """Writes the accepted rows as one Parquet object named by its content; returns key, hash and size."""
    content = _as_parquet(submission_id, outcome)
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"{outcome.reading.collection}/{period}/{submission_id}/{sha256[:16]}.parquet"
    if keep:
        objects.put_once(settings.load().records, key, content)
    objects.keep(content, sha256)
    return key, sha256, len(content)


def _as_parquet(submission_id: str, outcome: Outcome) -> bytes:
    named = pl.Series("submission_id", [submission_id] * outcome.records.height, pl.String)
    buffer = io.BytesIO()
    outcome.records.insert_column(0, named).write_parquet(buffer, compression="lz4")
    return buffer.getvalue()


def _record(connection, submission_id: str, outcome: Outcome, records, decisions: list[decided.Decision]) -> bool:
    """Adds the validation and its findings; False when another worker has added them."""
    key, sha256, size = records or (None, None, None)
    reading, rules_version = outcome.reading, validate.version()
    if decisions:  # the same rules under other decisions find something else
        rules_version += "." + hashlib.sha256(decided.key(decisions).encode()).hexdigest()[:12]
    added = connection.execute(
        """
        INSERT INTO core.validation (submission_id, rules_version, layout, outcome, rows_read, rows_recorded, rows_rejected, rows_held,
                                     rows_set_aside, cells_expected, cells_valid, records_key, records_sha256, records_bytes, decisions)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
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
    looks = profile.as_texts(profile.of(outcome.records, reading.collection))
    warehouse.copy(connection, "profile", looks, submission_id=submission_id, rules_version=rules_version)
    return True


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
                   v.validated_at DESC, v.rules_version LIMIT 1) v
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
