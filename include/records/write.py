"""Writes what a validation came to: accepted rows as a Parquet object, and the validation with its details to the ledger."""

import hashlib
import io
from datetime import datetime
from typing import NamedTuple

import polars as pl
import psycopg

from .. import sql
from ..stores import objects, settings, warehouse
from ..validation import decisions_applied, profile, versions
from ..validation.validate import HELD, Outcome
from .read_and_validate import Plain

SWEEP_LOCK = 716_201_703  # shared by those that write records, taken alone by the sweep


class Records(NamedTuple):
    """The Parquet object of a submission's accepted rows."""

    key: str
    sha256: str
    size: int


def keep_sweep_away(connection: psycopg.Connection) -> None:
    """Keeps the sweep from removing objects that this transaction is about to name, until it ends."""
    connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [SWEEP_LOCK])


def write_records(submission_id: str, period: str | None, outcome: Outcome, keep: bool) -> Records | None:
    """Writes the accepted rows as one Parquet object named by its content; None where the submission is held.

    Args:
        keep: whether it goes to the object store; a preview keeps it in this machine's cache only.
    """
    if outcome.state == HELD:
        return None
    content = as_parquet(submission_id, outcome)
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"{outcome.reading.collection}/{period}/{submission_id}/{sha256[:16]}.parquet"
    if keep:
        objects.put_once(settings.load().records, key, content)
    objects.keep(content, sha256)
    return Records(key, sha256, len(content))


def as_parquet(submission_id: str, outcome: Outcome) -> bytes:
    """The accepted rows with the submission's id before them, as a Parquet file."""
    named = pl.Series("submission_id", [submission_id] * outcome.records.height, pl.String)
    buffer = io.BytesIO()
    outcome.records.insert_column(0, named).write_parquet(buffer, compression="lz4")
    return buffer.getvalue()


def add_validations(
    connection: psycopg.Connection,
    submission_id: str,
    outcome: Outcome,
    records: Records | None,
    decisions: list[decisions_applied.Decision],
    plain: Plain,
    plain_records: Records | None,
) -> bool:
    """Adds the validation under decisions, and beside it the one without, so that a release need not read the file again.

    Both have the same time: what the trust was told first is the one under decisions. False when another worker has added it.
    """
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    (moment,) = row
    if plain.outcome:
        add_validation(connection, submission_id, plain.outcome, plain_records, [], plain, moment)
    return add_validation(connection, submission_id, outcome, records, decisions, plain, moment)


def add_validation(
    connection: psycopg.Connection,
    submission_id: str,
    outcome: Outcome,
    records: Records | None,
    decisions: list[decisions_applied.Decision],
    plain: Plain,
    moment: datetime,
) -> bool:
    """Adds a validation, its findings, rows by provider and profile; False when another worker has added it."""
    reading, rules_version = outcome.reading, versions.version(outcome.reading.collection)
    if decisions:  # the same rules under other decisions find something else
        rules_version += "." + hashlib.sha256(decisions_applied.key(decisions).encode()).hexdigest()[:12]
    row = {
        "submission_id": submission_id,
        "rules_version": rules_version,
        "layout": reading.layout.name if reading.layout else None,
        "outcome": outcome.state,
        "rows_read": outcome.rows_read,
        "rows_recorded": outcome.rows_recorded,
        "rows_rejected": outcome.rows_rejected,
        "rows_held": outcome.rows_held,
        "rows_set_aside": reading.rows_set_aside,
        "cells_expected": outcome.cells_expected,
        "cells_valid": outcome.cells_valid,
        "records_key": records.key if records else None,
        "records_sha256": records.sha256 if records else None,
        "records_bytes": records.size if records else None,
        "decisions": [one.decision_id for one in decisions],
        "counts_hash": _counts_hash(outcome),
        "identified": plain.identified,
        "plain_outcome": plain.state,
        "plain_cells_expected": plain.cells_expected,
        "plain_cells_valid": plain.cells_valid,
        "validated_at": moment,
    }
    if not connection.execute(sql.text("records/add_validation.sql"), row).rowcount:
        return False
    # PostgreSQL keeps no NUL in a text; the file in the archive does.
    texts = pl.col("raw_value", "message", "column_name")
    found = outcome.findings.with_row_index("number", 1).with_columns(
        texts.str.replace_all("\x00", "\N{REPLACEMENT CHARACTER}", literal=True)
    )
    details = {
        "finding": found,
        "provider_rows": outcome.provider_rows,
        "profile": profile.of(outcome.records, reading.collection),
    }
    for table, frame in details.items():
        warehouse.copy(connection, table, frame, submission_id=submission_id, rules_version=rules_version)
    return True


def newest_is_same(connection: psycopg.Connection, submission_id: str, before: str) -> str | None:
    """The rules version of the validation just added, if it says the same as the one made by the rules `before`."""
    values = {"submission_id": submission_id, "before": before}
    row = connection.execute(sql.text("records/newest_like.sql"), values).fetchone()
    if row is None:
        return None
    differ = connection.execute(sql.text("records/details_differ.sql"), values | {"after": row[0]}).fetchone()
    return None if differ is None or differ[0] else str(row[0])


def _counts_hash(outcome: Outcome) -> str:
    """Names what figures take of a validation besides its records."""
    counted = [outcome.cells_expected, outcome.cells_valid, outcome.provider_rows.rows()]
    return hashlib.sha256(repr(counted).encode()).hexdigest()[:16]
