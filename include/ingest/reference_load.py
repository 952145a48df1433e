"""Loads the reviewed reference data into the warehouse, whole or not at all."""

from dataclasses import asdict

import polars as pl

from .. import catalogue, reference
from ..records import revalidate
from ..reference import ReferenceDataError
from ..stores import warehouse


def refresh() -> dict:
    """Checks the reference data and replaces the tables that hold it; the same version twice changes nothing.

    Raises:
        ReferenceDataError: when a check fails, or a metric's definition changed without a new version; the message lists what
            to mend. The tables stay as they were.
    """
    tables = reference.load()
    problems = reference.check(tables)
    if problems:
        raise ReferenceDataError("The reference data was not loaded:\n" + "\n".join(problems))
    version, frames = reference.version(), _frames(tables)
    with warehouse.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('reference'))")
        last = connection.execute(
            "SELECT version FROM core.reference_version ORDER BY loaded_at DESC LIMIT 1"
        ).fetchone()
        if last != (version,):
            _refuse_silent_changes(connection, tables)
            for table in reversed(frames):
                connection.execute(f"DELETE FROM core.{table}")
            for table, frame in frames.items():
                warehouse.copy(connection, table, frame)
            connection.execute(
                "INSERT INTO core.reference_version (version) VALUES (%s) ON CONFLICT (version) DO UPDATE SET loaded_at = now()",
                [version],
            )
        revalidate.note_rules(connection, list(catalogue.all()))  # what the new tables concern waits again
    return {"version": version, "new": last != (version,), **{table: frame.height for table, frame in frames.items()}}


def _frames(tables: reference.Tables) -> dict[str, pl.DataFrame]:
    def frame(rows, **columns) -> pl.DataFrame:
        """A frame with these columns: each the name of an attribute, or a function of the row."""
        data = {name: [of(row) if callable(of) else getattr(row, of) for row in rows] for name, of in columns.items()}
        return pl.DataFrame(data, infer_schema_length=None)

    def joined(name):
        return lambda row: "; ".join(str(value) for value in asdict(row)[name])

    return {
        "provider": frame(
            tables.providers,
            code="code",
            sector="sector",
            region="region",
            kind="kind",
            open_from="open_from",
            open_to="open_to",
        ),
        "provider_name": frame(
            tables.names, code="code", name="name", valid_from="valid_from", valid_to="valid_to", source="source"
        ),
        "succession": frame(
            tables.successions,
            from_code="from_code",
            to_code="to_code",
            legal_date="legal_date",
            type="type",
            verified="verified",
            source="source",
        ),
        "cohort": frame(tables.cohort, code="code", name_2017="name_2017", sector="sector", region="region"),
        "holiday": frame(tables.holidays, day="date", title="title"),
        "recommendation": frame(
            tables.recommendations,
            number="number",
            area="area",
            summary="summary",
            owner="owner",
            deadline="deadline",
            deadline_end_date=joined("deadline_end_date"),
            collections="collections",
            source="source",
        ),
        "programme_event": frame(
            tables.programme_events,
            event_id="event_id",
            occurred_from="date",
            occurred_to="date_end",
            date_precision="date_precision",
            kind="kind",
            scope="scope",
            provider_code=lambda e: e.trust_ods or None,
            actor="actor",
            audience="audience",
            summary="description",
            source="source",
            status="status",
            recommendation_number="recommendation_no",
            confidence="confidence",
        ),
        "plan_outcome": frame(tables.plan_outcomes, plan_id="plan_id", outcome_id="outcome_id", source="source"),
        "recurring_event": frame(
            tables.recurring_events, event_id="event_id", every_months="every_months", source="source"
        ),
        "contradiction": frame(
            tables.contradictions,
            topic="topic",
            claim="claim",
            source="source",
            event_id=lambda c: c.event_id or None,
            verified="verified",
            note=lambda c: c.note or None,
        ),
        "board_coverage": frame(
            tables.board_coverage,
            event_id="event_id",
            recommendation_number="recommendation_number",
            said="said",
            source="source",
        ),
        "reason": frame(tables.reasons, code="code", sentence="sentence"),
        "metric": frame(
            tables.metric_versions,
            metric_id="metric_id",
            version="version",
            valid_from="valid_from",
            name="name",
            question="question",
            unit="unit",
            polarity="polarity",
            numerator="numerator",
            denominator="denominator",
            formula="formula",
            frequency="period",
            lens="lens",
            compartment="compartment",
            oversight_theme="sof_theme",
            recommendation=joined("carter_rec"),
            peer_basis="peer_group_basis",
            benchmark_default="benchmark_default",
            min_peers="min_peers_median",
            monetised="monetised",
            may_be_added="opportunity_root",
            disclosure_class="disclosure_class",
            basis="basis",
            checked_by="checked_by",
            checked_on="checked_on",
            check_again_by="check_again_by",
            missing_rows="missing_rows",
            tolerates_missing=lambda m: float(m.tolerates_missing),
            window_months="window_months",
            window_rule="window",
            fed_by=joined("fed_by"),
            not_fed_because="not_fed_because",
        ),
    }


def _refuse_silent_changes(connection, tables: reference.Tables) -> None:
    """A definition that was loaded once stays what it was: another one is another version."""
    known = {
        (metric_id, version): tuple(words)
        for metric_id, version, *words in connection.execute(
            "SELECT metric_id, version, formula, unit, polarity FROM core.metric"
        )
    }
    changed = [
        f"metrics/{m.collection}.toml: version {m.version} of {m.metric_id} was formula '{old[0]}', unit '{old[1]}', polarity '{old[2]}', "
        f"and is now '{m.formula}', '{m.unit}', '{m.polarity}'. Expected a definition to stay what its figures were computed by: "
        f"put it back, and add the new one as version {m.version + 1} with valid_from."
        for m in tables.metric_versions
        if (old := known.get((m.metric_id, m.version))) and old != (m.formula, m.unit, m.polarity)
    ]
    stays = {(m.metric_id, m.version) for m in tables.metric_versions}
    changed += [
        f"version {version} of {metric_id} is gone from include/catalogue. Expected every version to stay: put it back."
        for metric_id, version in sorted(set(known) - stays)
    ]
    if changed:
        raise ReferenceDataError("The reference data was not loaded:\n" + "\n".join(changed))
