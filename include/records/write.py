"""Writes what validations came to: accepted rows to the object store, and the validations with their details to the ledger."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl
import psycopg

from .. import sql
from ..stores import warehouse
from ..validation import decisions_applied, profile, versions
from ..validation.validate import HELD, Outcome
from . import findings_kept, record_objects
from .findings_kept import Kept
from .read_and_validate import Plain
from .record_objects import Records

SWEEP_LOCK = 716_201_703  # shared by those that write records, taken alone by the sweep


class Written(NamedTuple):
    """Where the accepted rows of a submission are, and what they look like."""

    records: Records
    profile: pl.DataFrame


class Validated(NamedTuple):
    """What a validation of a submission came to, under which decisions, and what it is without any; `written` is None where it is held."""

    submission_id: str
    outcome: Outcome
    decisions: list[decisions_applied.Decision]
    plain: Plain
    written: Written | None
    findings: Kept


def keep_sweep_away(connection: psycopg.Connection) -> None:
    """Keeps the sweep from removing objects that this transaction is about to name, until it ends."""
    connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [SWEEP_LOCK])


def write_records(
    collection: str, period: str | None, outcomes: dict[str, Outcome], store: bool = True
) -> dict[str, Written]:
    """Writes the accepted rows of submissions of one collection and period, and takes their profiles; those that are held have none.

    Args:
        outcomes: by submission id.
        store: whether it goes to the object store; a preview keeps it in this machine's cache only.
    """
    accepted = {one: outcome for one, outcome in outcomes.items() if outcome.state != HELD}
    records = record_objects.write(
        collection, period, {one: record_objects.rows_of(one, outcome) for one, outcome in accepted.items()}, store
    )
    return {one: Written(records[one], _profile(outcome)) for one, outcome in accepted.items()}


def _profile(outcome: Outcome) -> pl.DataFrame:
    if isinstance(outcome, record_objects.Packed):
        return outcome.profile
    return profile.of(outcome.records, outcome.reading.collection)


def write_findings(collection: str, period: str | None, outcome: Outcome, store: bool = True) -> Kept:
    """Chooses the findings that the ledger lists; where those are not all, all are written as an object (see `findings_kept.keep`)."""
    return findings_kept.keep(collection, period, outcome.findings, store)


def add_validations(connection: psycopg.Connection, validated: Sequence[Validated]) -> bool:
    """Adds validations, their findings, rows by provider and profiles, each with the one without decisions where that is to be recorded.

    Both have the same time: what the trust was told first is the one under decisions. False, and none of them is added, when
    another worker has added one.
    """
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    given = [_row(one, row[0]) for one in validated]
    with connection.transaction() as attempt, connection.cursor() as cursor:
        cursor.executemany(sql.text("records/add_validation.sql"), given)
        if cursor.rowcount != len(given):
            raise psycopg.Rollback(attempt)
        details: dict[str, list[pl.DataFrame]] = {
            "finding": [],
            "finding_count": [],
            "provider_rows": [],
            "profile": [],
        }
        for one, values in zip(validated, given, strict=True):
            name = [pl.lit(values[key]).alias(key) for key in ("submission_id", "rules_version")]
            for table, frame in _details(one).items():
                if frame.height:
                    details[table].append(frame.with_columns(name))
        for table, frames in details.items():
            if frames:
                warehouse.copy(connection, table, pl.concat(frames))
        return True
    return False


def _row(one: Validated, moment: datetime) -> dict[str, Any]:
    outcome, reading = one.outcome, one.outcome.reading
    records = one.written.records if one.written else None
    rules_version = versions.version(reading.collection)
    if one.decisions:  # the same rules under other decisions find something else
        rules_version += "." + hashlib.sha256(decisions_applied.key(one.decisions).encode()).hexdigest()[:12]
    return {
        "submission_id": one.submission_id,
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
        "records_together": records.together if records else None,
        "findings_key": one.findings.key,
        "findings_sha256": one.findings.sha256,
        "findings_bytes": one.findings.size,
        "decisions": [decision.decision_id for decision in one.decisions],
        "counts_hash": _counts_hash(outcome),
        "identified": one.plain.identified,
        "plain_outcome": one.plain.state,
        "plain_cells_expected": one.plain.cells_expected,
        "plain_cells_valid": one.plain.cells_valid,
        "validated_at": moment,
    }


def _details(one: Validated) -> dict[str, pl.DataFrame]:
    """The rows of a validation by the table of schema core that they go to."""
    return {
        "finding": one.findings.listed,
        "finding_count": one.findings.counts,
        "provider_rows": one.outcome.provider_rows,
        "profile": one.written.profile if one.written else profile.empty(),
    }


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
