"""What a decision would do to figures: taken, settled and measured by the pipeline's own functions in a transaction that is rolled back."""

import time
from dataclasses import dataclass, field

import polars as pl
import psycopg

from .. import catalogue, reference
from ..records.validate_and_record import validate_and_record_one
from ..releases import build, candidates
from ..releases import inputs as release_inputs
from ..releases.figures import figures
from ..stores import warehouse
from ..validation.validate import HELD
from . import decisions, shortfall
from .decisions import Draft, Refused

VALUES = ("value", "numerator", "denominator", "rank", "quality", "opportunity")


@dataclass
class Preview:
    """What would follow from a decision.

    Attributes:
        state_before, state_after: of the submission; rows_*: of the submission.
        counts_before, counts_after: which version of the return counts; None: none does.
        release_before, release_after: the current release, and the one that follows if nothing else moves meanwhile.
        measures: one entry a metric of the provider, {"metric_id", "name", "unit", "provider_code", "changed",
            "<value>_before", "<value>_after" for value, numerator, denominator, rank, quality, opportunity (GBP)}.
        others_changed_quartile: how many other providers come into another quartile of a metric.
        other_changes: [{"provider_code", "metric_id", "quartile_before", "quartile_after"}].
        missing: what the return would lack if it counts like that, in sentences: rows, trusts, and figures that would not be
            shown or would be marked because of it; empty where nothing is missing.
        follows: the other (collection, period) pairs whose releases are made anew.
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
    measures: list[dict] = field(default_factory=list)
    others_changed_quartile: int = 0
    other_changes: list[dict] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    follows: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0


def preview(decision: Draft | int, author: str = "(preview)") -> Preview:
    """What would follow from a draft, or from approving the decision of that number. Nothing is kept.

    Raises:
        Refused: when the decision would not be allowed.
        LookupError: when there is none of that number.
    """
    began = time.monotonic()
    with warehouse.connect() as connection:
        try:
            found = _tried(connection, decision, author)
        finally:
            connection.rollback()
    found.seconds = time.monotonic() - began
    return found


def _tried(connection: psycopg.Connection, decision: Draft | int, author: str) -> Preview:
    if isinstance(decision, int):
        one = decisions.get(connection, decision)
        if one["state"] != "proposed":
            raise Refused(f"Decision {decision} is {one['state'].replace('_', ' ')}: there is nothing left to preview.")
        submission_id, providers = (
            one["submission_id"],
            _providers(connection, one["submission_id"], one["provider_code"]),
        )
    else:
        submission_id = decision.submission_id
        providers = _providers(
            connection, submission_id, decision.provider_code or decisions.provider_of(connection, decision)
        )
    before = _standing(connection, submission_id)
    if before is None:
        raise Refused(f"There is no submission {submission_id}.")
    found = Preview(before["collection"], before["period"], submission_id, counts_before=before["counts"])
    found.state_before, found.rows_recorded_before, found.rows_rejected_before = (
        before["state"],
        before["recorded"],
        before["rejected"],
    )
    measurable = found.period is not None and before["sender"] is not None
    if measurable:
        old = _published(connection, found.collection, found.period)
        found.release_before, due_before = old["release_id"], candidates.due(connection)
    decision_id = decision if isinstance(decision, int) else decisions.decide(connection, decision, author)
    if decisions.get(connection, decision_id)["state"] == "proposed":
        decisions.verdict(connection, decision_id, "(somebody else)", True)
    validate_and_record_one(connection, submission_id, keep_records=False)
    after = _standing(connection, submission_id)
    found.state_after, found.rows_recorded_after, found.rows_rejected_after = (
        after["state"],
        after["recorded"],
        after["rejected"],
    )
    found.counts_after = after["counts"]
    if not measurable:
        return found
    given = release_inputs.load(connection, found.collection, found.period)
    tables = figures(given)
    found.release_after = build.would_stand(connection, given, tables)
    _compare(found, old, tables["measure"], tables["comparison"], providers)
    if found.state_after != HELD:
        found.missing = shortfall.sentences(connection, submission_id, given.inputs.provider_rows, tables["measure"])
    own = (found.collection, found.period)
    found.follows = sorted(
        pair
        for pair, rests_on in candidates.due(connection).items()
        if rests_on != due_before.get(pair) and pair != own
    )
    return found


def _providers(connection, submission_id: str, provider_code: str | None) -> list[str] | None:
    """Whose figures are shown: the provider's that the decision is about; None: everybody's in a national file."""
    row = connection.execute(
        "SELECT collection, sender FROM intake.submissions WHERE submission_id = %s", [submission_id]
    ).fetchone()
    if provider_code:
        return [provider_code]
    return None if row is None or catalogue.load(row[0]).is_national else [row[1]]


def _standing(connection, submission_id: str) -> dict | None:
    row = connection.execute(
        """SELECT s.collection, s.period, s.sender, s.state, s.rows_recorded, s.rows_rejected,
                  (SELECT o.version FROM intake.submissions o
                   WHERE o.is_current AND (o.collection, o.period, o.sender, o.part) IS NOT DISTINCT FROM (s.collection, s.period, s.sender, s.part))
           FROM intake.submissions s WHERE s.submission_id = %s""",
        [submission_id],
    ).fetchone()
    return (
        dict(zip(("collection", "period", "sender", "state", "recorded", "rejected", "counts"), row, strict=True))
        if row
        else None
    )


def _published(connection, collection: str, period: str) -> dict:
    release = connection.execute(
        "SELECT release_id FROM core.current_release WHERE collection = %s AND period = %s", [collection, period]
    ).fetchone()
    release_id = release[0] if release else None
    read = {
        "measures": "SELECT metric_id, provider_code, numerator, denominator, value, unit, quality_flag, percentile_rank FROM core.measure WHERE release_id = %s",
        "comparisons": "SELECT metric_id, provider_code, benchmark_kind, opportunity_gbp FROM core.comparison WHERE release_id = %s",
    }
    return {"release_id": release_id} | {
        name: connection.execute(query, [release_id]).fetchall() for name, query in read.items()
    }


def _compare(
    found: Preview, old: dict, measures: pl.DataFrame, comparisons: pl.DataFrame, providers: list[str] | None
) -> None:
    names = {metric.metric_id: metric.name for metric in reference.load().metrics}
    before = _by_metric(old["measures"], old["comparisons"])
    columns = [
        "metric_id",
        "provider_code",
        "numerator",
        "denominator",
        "value",
        "unit",
        "quality_flag",
        "percentile_rank",
    ]
    after = _by_metric(
        measures.select(columns).rows(),
        comparisons.select("metric_id", "provider_code", "benchmark_kind", "opportunity_gbp").rows(),
    )
    units = {row[0]: row[5] for row in old["measures"]} | dict(measures.select("metric_id", "unit").unique().rows())
    nothing = dict.fromkeys(VALUES)
    for metric_id, provider in sorted(before.keys() | after.keys()):
        was, will = before.get((metric_id, provider), nothing), after.get((metric_id, provider), nothing)
        if providers is None or provider in providers:
            entry = {
                "metric_id": metric_id,
                "name": names.get(metric_id, metric_id),
                "unit": units.get(metric_id),
                "provider_code": provider,
            }
            for name in VALUES:
                entry |= {f"{name}_before": was[name], f"{name}_after": will[name]}
            found.measures.append(entry | {"changed": was != will})
            continue
        quartiles = _quartile(was["rank"]), _quartile(will["rank"])
        if quartiles[0] != quartiles[1]:
            found.other_changes.append(
                {
                    "provider_code": provider,
                    "metric_id": metric_id,
                    "quartile_before": quartiles[0],
                    "quartile_after": quartiles[1],
                }
            )
    if providers is None:  # of a national file with no provider named, only what changes is worth a line
        found.measures = [entry for entry in found.measures if entry["changed"]]
    found.others_changed_quartile = len({one["provider_code"] for one in found.other_changes})


def _by_metric(measures, comparisons) -> dict:
    """(metric, provider) -> what is shown of it; opportunity is the largest over the kinds of benchmark, which never add."""
    opportunity: dict = {}
    for metric_id, provider, _, amount in comparisons:
        if amount is not None:
            opportunity[metric_id, provider] = max(amount, opportunity.get((metric_id, provider), amount))
    return {
        (metric_id, provider): {
            "value": value, "numerator": numerator, "denominator": denominator, "rank": rank, "quality": quality,
            "opportunity": opportunity.get((metric_id, provider)),
        }
        for metric_id, provider, numerator, denominator, value, _, quality, rank in measures
    }  # fmt: skip


def _quartile(rank: float | None) -> int | None:
    """1 (worst) to 4 (best), by percentile rank; None where there is no rank."""
    return None if rank is None else min(4, int(rank // 25) + 1)
