"""Previews a decision: it is made, validated and measured by the pipeline's own functions in a transaction that is rolled back."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl
import psycopg

from .. import catalogue, reference, sql
from ..records.validate_and_record import validate_and_record_one
from ..releases import build, candidates
from ..releases import inputs as release_inputs
from ..releases.dependencies import Pair
from ..releases.figures import figures
from ..stores import warehouse
from ..validation.validate import HELD
from . import decisions, queries, shortfall, submitted_file
from .decisions import Draft, Refused

VALUES = ("value", "numerator", "denominator", "rank", "quality", "opportunity")
KEYS = ["metric_id", "provider_code"]
SHOWN = [*KEYS, "name", "unit", "changed", *(f"{name}_{when}" for name in VALUES for when in ("before", "after"))]
QUARTILES = ("provider_code", "metric_id", "quartile_before", "quartile_after")

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
        stops: where it is held afterwards, what would still stop it, as sentences, of which there may be more.
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
    stops: list[str] = field(default_factory=list)
    seconds: float = 0.0


class _Standing(NamedTuple):
    state: str
    rows_recorded: int | None
    rows_rejected: int | None
    counting_version: int | None


@dataclass
class Together:
    """What several decisions would lead to if all of them are made, or approved.

    Attributes:
        previews: what each return would be, by the place of its decision in the list; none for what is refused.
        refused: why a decision would not be allowed, by its place; the others are previewed without it.
        releases: the current and the next release of each (collection, period).
        other_changes, others_changed_quartile: as in `Preview`, over providers about whom none of the decisions is.
        follows: as in `Preview`.
    """

    previews: dict[int, Preview] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    releases: dict[Pair, tuple[str | None, str | None]] = field(default_factory=dict)
    other_changes: list[Row] = field(default_factory=list)
    others_changed_quartile: int = 0
    follows: list[Pair] = field(default_factory=list)
    seconds: float = 0.0


def preview(decision: Draft | int, author: str = "(preview)") -> Preview:
    """What a draft, or the approval of the decision of that number, would lead to. Nothing is kept.

    Raises:
        Refused: the decision would not be allowed.
        LookupError: there is no decision of that number, or no such submission.
    """
    made = together([decision], author)
    if made.refused:
        raise Refused(made.refused[0])
    found = made.previews[0]
    found.follows, found.other_changes = made.follows, made.other_changes
    found.others_changed_quartile, found.seconds = made.others_changed_quartile, made.seconds
    return found


def together(decisions_made: Sequence[Draft | int], author: str = "(preview)") -> Together:
    """What several drafts, or the approvals of several decisions, would lead to together. Nothing is kept.

    Each return is validated once, and the figures of each collection and period are computed once, with all of the decisions.

    Raises:
        LookupError: there is no decision of a number, or no such submission.
    """
    began = time.monotonic()
    with warehouse.connect() as connection:
        try:
            found = _tried(connection, decisions_made, author)
        finally:
            connection.rollback()
    found.seconds = time.monotonic() - began
    return found


def _tried(connection: psycopg.Connection[Any], decisions_made: Sequence[Draft | int], author: str) -> Together:
    made, providers, standing = Together(), dict[int, str | None](), dict[str, _Standing]()
    abouts = [_about(connection, one) for one in decisions_made]
    is_measurable = any(about.period is not None and about.sender is not None for about, _ in abouts)
    due_before = candidates.due(connection) if is_measurable else {}
    for place, (decision, (about, provider_code)) in enumerate(zip(decisions_made, abouts, strict=True)):
        found = Preview(about.collection, about.period, about.submission_id)
        # Of several decisions about a return, each is shown against what stood before the first.
        before = standing.setdefault(about.submission_id, _standing(connection, about.submission_id))
        found.state_before, found.rows_recorded_before, found.rows_rejected_before, found.counts_before = before
        try:
            with connection.transaction():
                _make(connection, decision, author)
        except Refused as problem:
            made.refused[place] = str(problem)
            continue
        made.previews[place] = found
        if about.period is not None and about.sender is not None:
            # Of a national file, a decision that names no provider is about all.
            is_national = not provider_code and catalogue.load(about.collection).is_national
            providers[place] = None if is_national else provider_code or about.sender
    for submission_id in dict.fromkeys(found.submission_id for found in made.previews.values()):
        _validate(
            connection, submission_id, [one for one in made.previews.values() if one.submission_id == submission_id]
        )
    pairs = sorted({(made.previews[place].collection, str(made.previews[place].period)) for place in providers})
    for pair in pairs:
        _measure(connection, made, pair, providers)
    if pairs:
        after_all = candidates.due(connection).items()
        made.follows = sorted(
            pair for pair, rests_on in after_all if rests_on != due_before.get(pair) and pair not in pairs
        )
    return made


def _validate(connection: psycopg.Connection[Any], submission_id: str, found: list[Preview]) -> None:
    """Validates a return once, with all of the decisions about it, and puts what becomes of it into their previews."""
    validate_and_record_one(connection, submission_id, store=False)
    after, stops = _standing(connection, submission_id), list[str]()
    if after.state == HELD:
        rows = connection.execute(sql.text("stewardship/still_stops"), {"submission_id": submission_id})
        stops = [f"{rule}: {message}" for rule, message in rows]
    for one in found:
        one.state_after, one.rows_recorded_after, one.rows_rejected_after, one.counts_after = after
        one.stops = stops


def _about(connection: psycopg.Connection[Any], decision: Draft | int) -> tuple[submitted_file.Submission, str | None]:
    """The submission that a decision is about, and the provider; None: that is for its sender to say."""
    if isinstance(decision, int):
        one = decisions.get(connection, decision)
        submission_id, provider_code = one.submission_id, one.provider_code
    else:
        submission_id = decision.submission_id
        provider_code = decision.provider_code or decisions.provider_of(connection, decision)
    return submitted_file.submission(connection, submission_id), provider_code


def _make(connection: psycopg.Connection[Any], decision: Draft | int, author: str) -> None:
    """Makes a draft, or takes a proposed decision, and approves it."""
    if isinstance(decision, int):
        state = decisions.get(connection, decision).state
        if state != "proposed":
            raise Refused(f"Decision {decision} is {state.replace('_', ' ')}: there is nothing to preview.")
    number = decision if isinstance(decision, int) else decisions.decide(connection, decision, author)
    if decisions.get(connection, number).state == "proposed":
        decisions.verdict(connection, number, "(somebody else)", True)


def _measure(connection: psycopg.Connection[Any], made: Together, pair: Pair, providers: dict[int, str | None]) -> None:
    """Computes the figures of a collection and period, and puts what changes into the previews of its returns."""
    own = {
        place: code
        for place, code in providers.items()
        if (made.previews[place].collection, made.previews[place].period) == pair
    }
    before = _current_release(connection, *pair)
    old = _published(connection, *pair)
    given = release_inputs.load(connection, *pair)
    tables = figures(given)
    after = build.would_stand(connection, given, tables)
    made.releases[pair] = (before, after)
    both = _compared(old, tables["measure"], tables["comparison"])
    for place, code in own.items():
        found = made.previews[place]
        found.release_before, found.release_after = before, after
        is_own = pl.col("changed") if code is None else pl.col("provider_code") == code
        found.measures = both.filter(is_own).select(SHOWN).to_dicts()
        if found.state_after != HELD:
            found.missing = shortfall.sentences(
                connection, found.submission_id, given.inputs.provider_rows, tables["measure"]
            )
    codes = [code for code in own.values() if code is not None]
    if len(codes) == len(own):  # what of a whole national file changes is listed already
        is_other = ~pl.col("provider_code").is_in(codes) & pl.col("quartile_before").ne_missing(
            pl.col("quartile_after")
        )
        made.other_changes += both.filter(is_other).select(*QUARTILES).to_dicts()
        made.others_changed_quartile += both.filter(is_other)["provider_code"].n_unique()


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


def _compared(old: list[tuple[Any, ...]], measures: pl.DataFrame, comparisons: pl.DataFrame) -> pl.DataFrame:
    """Published figures beside new ones, one row for each metric and provider, with whether anything changed."""
    # Opportunities against several kinds of benchmark do not add up: the largest is shown.
    largest = comparisons.group_by(KEYS).agg(opportunity=pl.col("opportunity_gbp").max())
    after = measures.rename({"percentile_rank": "rank", "quality_flag": "quality"}).join(largest, on=KEYS, how="left")
    after = after.select(*KEYS, "unit", *VALUES)
    before = pl.DataFrame(old, schema=after.schema, orient="row")
    both = before.join(after, on=KEYS, how="full", coalesce=True, suffix="_after").sort(KEYS)
    names = {metric.metric_id: metric.name for metric in reference.load().metrics}
    return both.rename({name: f"{name}_before" for name in VALUES}).with_columns(
        unit=pl.coalesce("unit_after", "unit"),
        name=pl.col("metric_id").replace(names),
        changed=pl.any_horizontal(pl.col(f"{name}_before").ne_missing(pl.col(f"{name}_after")) for name in VALUES),
        quartile_before=_quartile("rank_before"),
        quartile_after=_quartile("rank_after"),
    )


def _quartile(rank: str) -> pl.Expr:
    """1 (worst) to 4 (best), by a column of percentile ranks; null where there is no rank."""
    return (pl.col(rank) // 25 + 1).clip(upper_bound=4).cast(pl.Int64)
