"""Previews a decision: it is made, validated and measured by the pipeline's own functions in a transaction that is rolled back."""

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl
import psycopg

from .. import catalogue, reference, sql
from ..records.validate_and_record import validate_and_record_one
from ..releases import build, candidates
from ..releases import inputs as release_inputs
from ..releases.figures import figures
from ..stores import warehouse
from ..validation.validate import HELD
from . import decisions, queries, shortfall, submitted_file
from .decisions import Draft, Refused

VALUES = ("value", "numerator", "denominator", "rank", "quality", "opportunity")
KEYS = ["metric_id", "provider_code"]

Row = dict[str, Any]  # of the frame that its attribute describes


@dataclass
class Preview:
    """What a decision would lead to.

    Attributes:
        state_before, state_after: of the submission; rows_*: of the submission.
        counts_before, counts_after: the version of the return that is included in published figures; None for none.
        release_before, release_after: the current release, and the next one if nothing else changes meanwhile.
        measures: one entry for each metric of the provider: metric_id, name, unit, provider_code, changed, and <value>_before and
            <value>_after for value, numerator, denominator, rank, quality and opportunity (GBP).
        others_changed_quartile: number of other providers that move to another quartile of a metric.
        other_changes: provider_code, metric_id, quartile_before, quartile_after for each such move.
        missing: what the return would lack, as sentences: rows, trusts, and figures withheld or marked; [] for nothing.
        follows: the other (collection, period) pairs that get a new release.
    """

    collection: str
    period: str | None
    submission_id: str
    state_before: str = ""
    state_after: str = ""
    rows_recorded_before: int | None = None
    rows_recorded_after: int | None = None
    rows_rejected_before: int | None = None
    rows_rejected_after: int | None = None
    counts_before: int | None = None
    counts_after: int | None = None
    release_before: str | None = None
    release_after: str | None = None
    measures: list[Row] = field(default_factory=list)
    others_changed_quartile: int = 0
    other_changes: list[Row] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    follows: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0


class _Standing(NamedTuple):
    state: str
    rows_recorded: int | None
    rows_rejected: int | None
    counting_version: int | None


def preview(decision: Draft | int, author: str = "(preview)") -> Preview:
    """What a draft, or the approval of the decision of that number, would lead to. Nothing is kept.

    Raises:
        Refused: the decision would not be allowed.
        LookupError: there is no decision of that number, or no such submission.
    """
    began = time.monotonic()
    with warehouse.connect() as connection:
        try:
            found = _tried(connection, decision, author)
        finally:
            connection.rollback()
    found.seconds = time.monotonic() - began
    return found


def _tried(connection: psycopg.Connection[Any], decision: Draft | int, author: str) -> Preview:
    if isinstance(decision, int):
        one = decisions.get(connection, decision)
        if one.state != "proposed":
            raise Refused(f"Decision {decision} is {one.state.replace('_', ' ')}: there is nothing to preview.")
        submission_id, provider_code = one.submission_id, one.provider_code
    else:
        submission_id = decision.submission_id
        provider_code = decision.provider_code or decisions.provider_of(connection, decision)
    about = submitted_file.submission(connection, submission_id)
    found = Preview(about.collection, about.period, submission_id)
    before = _standing(connection, submission_id)
    found.state_before, found.rows_recorded_before, found.rows_rejected_before, found.counts_before = before
    is_measurable = about.period is not None and about.sender is not None
    due_before = candidates.due(connection) if is_measurable else {}
    number = decision if isinstance(decision, int) else decisions.decide(connection, decision, author)
    if decisions.get(connection, number).state == "proposed":
        decisions.verdict(connection, number, "(somebody else)", True)
    validate_and_record_one(connection, submission_id, store=False)
    after = _standing(connection, submission_id)
    found.state_after, found.rows_recorded_after, found.rows_rejected_after, found.counts_after = after
    if about.period is None or about.sender is None:
        return found
    found.release_before = _current_release(connection, about.collection, about.period)
    old = _published(connection, about.collection, about.period)
    given = release_inputs.load(connection, about.collection, about.period)
    tables = figures(given)
    found.release_after = build.would_stand(connection, given, tables)
    providers = [provider_code] if provider_code else [about.sender]
    is_national = not provider_code and catalogue.load(about.collection).is_national
    _compare(found, old, tables["measure"], tables["comparison"], None if is_national else providers)
    if found.state_after != HELD:
        found.missing = shortfall.sentences(connection, submission_id, given.inputs.provider_rows, tables["measure"])
    own = (about.collection, about.period)
    found.follows = sorted(
        pair
        for pair, rests_on in candidates.due(connection).items()
        if rests_on != due_before.get(pair) and pair != own
    )
    return found


def _standing(connection: psycopg.Connection[Any], submission_id: str) -> _Standing:
    found = queries.first(connection, "stewardship/standing", _Standing, submission_id=submission_id)
    if found is None:
        raise LookupError(f"There is no submission {submission_id}.")
    return found


def _current_release(connection: psycopg.Connection[Any], collection: str, period: str) -> str | None:
    row = connection.execute(
        "SELECT release_id FROM core.standing WHERE collection = %s AND period = %s", [collection, period]
    ).fetchone()
    return row[0] if row else None


def _published(connection: psycopg.Connection[Any], collection: str, period: str) -> list[tuple[Any, ...]]:
    """The published figures of a collection and period: metric_id, provider_code, unit and `VALUES`."""
    where = {"collection": collection, "period": period}
    return connection.execute(sql.text("stewardship/published_figures"), where).fetchall()


def _compare(
    found: Preview,
    old: list[tuple[Any, ...]],
    measures: pl.DataFrame,
    comparisons: pl.DataFrame,
    providers: list[str] | None,
) -> None:
    """Compares published figures with new ones, for these providers (None: all) and for the quartiles of the others."""
    # Opportunities against several kinds of benchmark do not add up: the largest is shown.
    largest = comparisons.group_by(KEYS).agg(opportunity=pl.col("opportunity_gbp").max())
    after = measures.rename({"percentile_rank": "rank", "quality_flag": "quality"}).join(largest, on=KEYS, how="left")
    after = after.select(*KEYS, "unit", *VALUES)
    before = pl.DataFrame(old, schema=after.schema, orient="row")
    both = before.join(after, on=KEYS, how="full", coalesce=True, suffix="_after").sort(KEYS)
    names = {metric.metric_id: metric.name for metric in reference.load().metrics}
    both = both.rename({name: f"{name}_before" for name in VALUES}).with_columns(
        unit=pl.coalesce("unit_after", "unit"),
        name=pl.col("metric_id").replace(names),
        changed=pl.any_horizontal(pl.col(f"{name}_before").ne_missing(pl.col(f"{name}_after")) for name in VALUES),
        quartile_before=_quartile("rank_before"),
        quartile_after=_quartile("rank_after"),
    )
    is_own = pl.col("provider_code").is_in(providers) if providers is not None else pl.col("changed")
    pairs = [f"{name}_{when}" for name in VALUES for when in ("before", "after")]
    found.measures = both.filter(is_own).select(*KEYS, "name", "unit", "changed", *pairs).to_dicts()
    if providers is not None:
        moved = pl.col("quartile_before").ne_missing(pl.col("quartile_after"))
        columns = ("provider_code", "metric_id", "quartile_before", "quartile_after")
        found.other_changes = both.filter(~is_own & moved).select(columns).to_dicts()
        found.others_changed_quartile = len({one["provider_code"] for one in found.other_changes})


def _quartile(rank: str) -> pl.Expr:
    """1 (worst) to 4 (best), by a column of percentile ranks; null where there is no rank."""
    return (pl.col(rank) // 25 + 1).clip(upper_bound=4).cast(pl.Int64)
