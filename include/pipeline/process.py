"""Takes submissions from the archive through reading and validation to records, and moves what counts, one transaction each."""

import hashlib
import io
from collections import Counter

import polars as pl
import psycopg

from ..stores import objects, settings, warehouse
from . import validate
from .read import read
from .reading import Reading
from .validate import HELD, Outcome

SWEEP_LOCK = 716_201_703  # shared by those that write records, taken alone by the sweep


def process(submission_ids: list[str]) -> dict:
    """Validates and records submissions; one that another worker has done is left alone.

    Returns:
        how many were accepted, accepted_with_warnings and held, and how many another worker had done.
    """
    done = Counter(accepted=0, accepted_with_warnings=0, held=0, done_before=0)
    with warehouse.connect() as connection:
        for submission_id in submission_ids:
            done[_process(connection, submission_id)] += 1
    return dict(done)


def _process(connection: psycopg.Connection, submission_id: str) -> str:
    with connection.transaction():
        row = connection.execute(
            """SELECT s.collection, s.period, s.sender, s.part, s.archive_key, s.sha256, s.file_name,
                      EXISTS (SELECT 1 FROM core.validation v WHERE v.submission_id = s.submission_id)
               FROM core.submission s WHERE s.submission_id = %s""",
            [submission_id],
        ).fetchone()
    if row is None:
        raise LookupError(f"There is no submission '{submission_id}' in the ledger. List them in intake.submissions.")
    collection, period, sender, part, archive_key, sha256, file_name, done = row
    if done:
        return "done_before"
    content, _ = objects.get(settings.load().archive, archive_key)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise RuntimeError(
            f"The archived file {archive_key} is not what was received: its bytes have changed. Restore it from a backup."
        )
    reading = read(content, file_name, collection)
    _agrees(reading, period, sender, part)
    outcome = validate.validate(reading)
    with connection.transaction():
        # From before the object is written until it is named, the sweep keeps away.
        connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [SWEEP_LOCK])
        records = None if outcome.state == HELD else _write_records(submission_id, period, outcome)
        if not _record(connection, submission_id, outcome, records):
            return "done_before"
        if records:
            _count(connection, submission_id)
    return outcome.state


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


def _write_records(submission_id: str, period: str, outcome: Outcome) -> tuple[str, str, int]:
    """Writes the accepted rows as one Parquet object named by its content; returns key, hash and size."""
    frame = outcome.records.insert_column(
        0, pl.Series("submission_id", [submission_id] * outcome.records.height, pl.String)
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="lz4")
    content = buffer.getvalue()
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"{outcome.reading.collection}/{period}/{submission_id}/{sha256[:16]}.parquet"
    objects.put_once(settings.load().records, key, content)
    objects.keep(content, sha256)
    return key, sha256, len(content)


def _record(connection: psycopg.Connection, submission_id: str, outcome: Outcome, records) -> bool:
    """Adds the validation and its findings; False when another worker has added them."""
    key, sha256, size = records or (None, None, None)
    reading = outcome.reading
    added = connection.execute(
        """
        INSERT INTO core.validation (submission_id, rules_version, layout, outcome, rows_read, rows_recorded, rows_rejected, rows_held,
                                     rows_set_aside, cells_expected, cells_valid, records_key, records_sha256, records_bytes)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        [
            submission_id,
            validate.version(),
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
        ],
    ).rowcount
    if not added:
        return False
    found = outcome.findings.with_row_index("number", 1)
    # PostgreSQL keeps no NUL in a text; the file in the archive does.
    found = found.with_columns(
        pl.col("raw_value", "message", "column_name").str.replace_all("\x00", "\N{REPLACEMENT CHARACTER}", literal=True)
    )
    warehouse.copy(connection, "finding", found, submission_id=submission_id, rules_version=validate.version())
    return True


def _count(connection: psycopg.Connection, submission_id: str) -> None:
    """Moves the pointer to this accepted submission, unless a newer version counts, or a real one where this is a sample."""
    connection.execute(
        """
        INSERT INTO core.counting AS c (collection, period, sender, part, submission_id, rules_version)
        SELECT collection, period, sender, part, submission_id, %s FROM core.submission WHERE submission_id = %s
        ON CONFLICT (collection, period, sender, part) DO UPDATE
        SET submission_id = excluded.submission_id, rules_version = excluded.rules_version, since = clock_timestamp()
        WHERE (SELECT (NOT n.is_sample, n.version) > (NOT o.is_sample, o.version)
               FROM core.submission n, core.submission o
               WHERE n.submission_id = excluded.submission_id AND o.submission_id = c.submission_id)
        """,
        [validate.version(), submission_id],
    )


def findings_of(content: bytes, file_name: str, collection: str) -> Outcome:
    """What would happen to a file: the same reading and the same rules, and no services."""
    return validate.validate(read(content, file_name, collection))
