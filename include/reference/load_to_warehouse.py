"""Loads the reviewed reference data into the warehouse, whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import psycopg

from .. import reference
from ..stores import warehouse
from . import ReferenceDataError


@dataclass(frozen=True)
class Loaded:
    """What was loaded: the version, whether it is a new one, and rows by table."""

    version: str
    new: bool
    rows: Mapping[str, int]


# table of schema core -> its columns: the name of an attribute, or column=attribute where the names differ
COLUMNS = {
    "provider": "code sector region kind open_from open_to",
    "provider_name": "code name valid_from valid_to source",
    "succession": "from_code to_code legal_date type verified source",
    "cohort": "code name_2017 sector region",
    "holiday": "day=date title",
    "recommendation": "number area summary owner deadline deadline_end_date collections source",
    "programme_event": "event_id occurred_from=date occurred_to=date_end date_precision kind scope provider_code=trust_ods actor audience "
    "summary=description source status recommendation_number=recommendation_no confidence",
    "plan_outcome": "plan_id outcome_id source",
    "recurring_event": "event_id every_months source",
    "contradiction": "topic claim source event_id verified note",
    "board_coverage": "event_id recommendation_number said source",
    "reason": "code sentence",
    "metric": "metric_id version valid_from name question unit polarity numerator denominator formula frequency=period lens compartment "
    "oversight_theme=sof_theme recommendation=carter_rec peer_basis=peer_group_basis benchmark_default min_peers=min_peers_median "
    "monetised may_be_added=opportunity_root disclosure_class basis checked_by checked_on check_again_by missing_rows tolerates_missing "
    "window_months window_rule=window counts no_interval series fed_by not_fed_because",
}
# Columns in which an empty text is NULL.
OR_NULL = {
    ("programme_event", "provider_code"),
    ("contradiction", "event_id"),
    ("contradiction", "note"),
    ("metric", "counts"),
}


def load(connection: psycopg.Connection) -> Loaded:
    """Checks the reference data and replaces the tables that hold it; the same version twice changes nothing.

    Args:
        connection: inside a transaction.

    Raises:
        ReferenceDataError: when a check fails, or a metric's definition changed without a new version; the message lists what
            to correct. The tables stay as they were.
    """
    tables = reference.load()
    if problems := reference.check(tables):
        raise ReferenceDataError("The reference data was not loaded:\n" + "\n".join(problems))
    version, frames = reference.version(), _frames(tables)
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('reference'))")
    last = connection.execute("SELECT version FROM core.reference_version ORDER BY loaded_at DESC LIMIT 1").fetchone()
    new = last != (version,)
    if new:
        _refuse_silent_changes(connection, tables)
        for table in reversed(frames):
            connection.execute(f"DELETE FROM core.{table}")
        for table, frame in frames.items():
            warehouse.copy(connection, table, frame)
        connection.execute(
            "INSERT INTO core.reference_version (version) VALUES (%s) ON CONFLICT (version) DO UPDATE SET loaded_at = now()",
            [version],
        )
    return Loaded(version, new, {table: frame.height for table, frame in frames.items()})


def _frames(tables: reference.Tables) -> dict[str, pl.DataFrame]:
    """A frame for each table, in the order in which they are loaded."""
    rows: dict[str, Sequence[object]] = {
        "provider": tables.providers,
        "provider_name": tables.names,
        "succession": tables.successions,
        "cohort": tables.cohort,
        "holiday": tables.holidays,
        "recommendation": tables.recommendations,
        "programme_event": tables.programme_events,
        "plan_outcome": tables.plan_outcomes,
        "recurring_event": tables.recurring_events,
        "contradiction": tables.contradictions,
        "board_coverage": tables.board_coverage,
        "reason": tables.reasons,
        "metric": tables.metric_versions,
    }
    return {table: _frame(table, COLUMNS[table].split(), of) for table, of in rows.items()}


def _frame(table: str, columns: list[str], rows: Sequence[object]) -> pl.DataFrame:
    data = {}
    for column in columns:
        name, _, attribute = column.partition("=")
        values = [_cell(getattr(row, attribute or name)) for row in rows]
        data[name] = [value or None for value in values] if (table, name) in OR_NULL else values
    return pl.DataFrame(data, infer_schema_length=None)


def _cell(value: Any) -> Any:
    """A value as its column takes it: several values are one text."""
    return "; ".join(map(str, value)) if isinstance(value, tuple) else value


def _refuse_silent_changes(connection: psycopg.Connection, tables: reference.Tables) -> None:
    """A definition that was loaded once stays what it was: another one is another version."""
    known = {
        (metric_id, version): tuple(words)
        for metric_id, version, *words in connection.execute(
            "SELECT metric_id, version, formula, unit, polarity FROM core.metric"
        )
    }
    changed = [
        f"{m.collection}/metrics.toml: version {m.version} of {m.metric_id} was formula '{old[0]}', unit '{old[1]}', polarity '{old[2]}', "
        f"and is now '{m.formula}', '{m.unit}', '{m.polarity}'. A definition must stay what its figures were computed by: "
        f"restore it, and add the new one as version {m.version + 1} with valid_from."
        for m in tables.metric_versions
        if (old := known.get((m.metric_id, m.version))) and old != (m.formula, m.unit, m.polarity)
    ]
    stays = {(m.metric_id, m.version) for m in tables.metric_versions}
    changed += [
        f"version {version} of {metric_id} is gone from include/catalogue. Every version must stay: restore it."
        for metric_id, version in sorted(set(known) - stays)
    ]
    if changed:
        raise ReferenceDataError("The reference data was not loaded:\n" + "\n".join(changed))
