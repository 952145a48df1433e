"""The second calculation of published.signals, as the published examples have it: the XmR chart (individuals and moving range) of NHS Making Data Count.

Source: NHSRplotthedots 0.2.2 (github.com/nhs-r-community/NHSRplotthedots, commit 050b07d), after Nelson, L. S. (1982),
Control Charts for Individual Measurements, Journal of Quality Technology 14(3). Values keep the unit they come in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from trust_benchmarks.measures.methods import MethodError, once, require
from trust_benchmarks.reference import calendar

# Which points count as signals; a change to any number here is a new id.
RULE_SET = "nhs-making-data-count-1"
LIMIT, NEAR = 2.66, 2 * 2.66 / 3  # times the mean moving range
SCREEN = 3.267  # moving ranges above this times their mean are left out, once (Nelson 1982)
RUN = 7  # points of a shift or a trend
FEWEST = 6  # reported values a section needs for limits
TRIAL_BELOW = 13  # fewer: limits are still moving

DIRECTION = {"higher_better": 1, "lower_better": -1, "neutral": 0, "target_100": 0}
POINT = {
    "period": pl.String,
    "value": pl.Float64,
    "section": pl.Int64,
    "moving_range": pl.Float64,
    "centre": pl.Float64,
    "lower_limit": pl.Float64,
    "upper_limit": pl.Float64,
    "is_outside": pl.Boolean,
    "is_trend": pl.Boolean,
    "is_near_limit": pl.Boolean,
    "is_shift": pl.Boolean,
    "signal": pl.String,
    "signal_side": pl.String,
    "assessment": pl.String,
    "rule_set": pl.String,
}
SECTION = {
    "section": pl.Int64,
    "from_period": pl.String,
    "to_period": pl.String,
    "values": pl.Int64,
    "centre": pl.Float64,
    "mean_moving_range": pl.Float64,
    "lower_limit": pl.Float64,
    "upper_limit": pl.Float64,
    "moving_ranges_screened": pl.Int64,
    "is_trial": pl.Boolean,
    "reason": pl.String,
}


@dataclass(frozen=True)
class Chart:
    """One series' chart.

    Attributes:
        points: one row a period, columns of `POINT`. `signal` is 'outside_limits', 'trend', 'near_limit', 'shift' (the
            first of these that holds) or null; `signal_side` 'high' or 'low' (a trend: rising, falling); `assessment`
            'improvement', 'concern', 'neutral' (a signal of a metric without a good side) or 'common_cause', and null
            where nothing was judged.
        sections: one row a section between restarts, columns of `SECTION`; `reason` says why one has no limits.
        reason: why the whole chart is withheld, or None.
    """

    points: pl.DataFrame
    sections: pl.DataFrame
    reason: str | None


def chart(
    series: pl.DataFrame,
    polarity: str,
    *,
    restarts: Iterable[str] = (),
    screen: bool = True,
    baseline: int | None = None,
) -> Chart:
    """The XmR chart of one series.

    Args:
        series: columns period (text, see reference/calendar.py) and value; one row a period. A period without a value
            stays, as null: it has no moving range on either side and breaks runs. Leaving the row out joins its
            neighbours.
        polarity: of the metric: 'higher_better', 'lower_better', 'neutral' or 'target_100' (judged as neutral).
        restarts: periods from which on the limits are computed afresh; see `restarts_at`.
        screen: leave out moving ranges above 3.267 times their mean, as the R package does; the Excel tool does not.
        baseline: compute limits from a section's first so many periods (12 or more), not from all.

    Raises:
        MethodError: for a missing column, a period twice, an unknown polarity, a value that is not finite, or a baseline
            under 12.
    """
    require(series, "period value", "An SPC chart")
    once(series["period"], "period", "An SPC chart")
    points, sections = _judged(*_checked(series), polarity, restarts, screen, baseline)
    reason = None
    if all(section["reason"] is not None for section in sections):
        reason = sections[-1]["reason"] if sections else f"0 values; limits need {FEWEST}."
    return Chart(pl.DataFrame(points, schema=POINT), pl.DataFrame(sections, schema=SECTION), reason)


def charts(
    measures: pl.DataFrame,
    polarities: dict[str, str],
    *,
    restarts: dict[str, Iterable[str]] | None = None,
    screen: bool = True,
    baseline: int | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The charts of many series at once: (points, sections), each with metric_id and provider_code in front.

    Args:
        measures: columns metric_id, provider_code, period, value; one row a period of a series, as `chart` wants it.
        polarities: by metric_id.
        restarts: periods by provider_code; none where a code is not in it.
        screen, baseline: as `chart`.

    Raises:
        MethodError: as `chart`, and for a metric without a polarity.
    """
    keys = ["metric_id", "provider_code"]
    require(measures, "metric_id provider_code period value", "SPC charts")
    if (
        twice := measures.filter(measures.select(*keys, "period").is_duplicated())
        .select(*keys, "period")
        .head(1)
        .rows()
    ):
        raise MethodError(f"SPC charts found {' '.join(twice[0])} twice. Expected one row a period of a series.")
    if missing := sorted(set(measures["metric_id"]) - set(polarities)):
        raise MethodError(f"SPC charts have no polarity for {', '.join(missing)}. Give one for every metric.")
    points, sections = [], []
    for own in measures.sort(keys).partition_by(keys, maintain_order=True):
        metric_id, provider_code = own.select(keys).row(0)
        marks = (restarts or {}).get(provider_code, ())
        found = _judged(*_checked(own), polarities[metric_id], marks, screen, baseline)
        for into, rows in zip((points, sections), found, strict=True):
            into += [row | {"metric_id": metric_id, "provider_code": provider_code} for row in rows]
    key = dict.fromkeys(keys, pl.String)
    return pl.DataFrame(points, schema=key | POINT), pl.DataFrame(sections, schema=key | SECTION)


def restarts_at(days: Iterable[date], periods: Iterable[str]) -> list[str]:
    """The periods at which a chart restarts for succession dates: the first that ends on or after each day.

    A succession inside a month changes that month already, so the new section begins with it. Days after the last period
    give none.
    """
    ordered = sorted(periods)
    found = {next((p for p in ordered if calendar.period_end(p) >= day), None) for day in days}
    return sorted(found - {None})


def assurance(of: Chart, polarity: str, target: float) -> str | None:
    """Whether the process can be expected to meet a target: 'passes', 'fails' or 'hit_and_miss', by the last section.

    None for a metric without a good side, and where the last section has no limits.
    """
    last = of.sections.sort("section").tail(1).to_dicts()
    if not DIRECTION.get(polarity) or not last or last[0]["reason"] is not None:
        return None
    good_is_high = DIRECTION[polarity] > 0
    if target > last[0]["upper_limit"]:
        return "fails" if good_is_high else "passes"
    if target < last[0]["lower_limit"]:
        return "passes" if good_is_high else "fails"
    return "hit_and_miss"


def _checked(series):
    """Periods in order, and their values with nan for null."""
    series = series.select(pl.col("period").cast(pl.String), pl.col("value").cast(pl.Float64)).sort("period")
    if not series["value"].drop_nulls().is_finite().all():
        raise MethodError("An SPC chart found a value that is not finite. Expected numbers or nulls; make it null.")
    return series["period"].to_list(), series["value"].to_numpy()


def _judged(periods, values, polarity, restarts, screen, baseline):
    """Rows of a series' points and of its sections."""
    if polarity not in DIRECTION:
        raise MethodError(f"'{polarity}' is no polarity. Expected one of {', '.join(DIRECTION)}.")
    if baseline is not None and baseline < 12:
        raise MethodError(
            f"A baseline of {baseline} periods was asked for. Expected 12 or more, as the R package does."
        )
    starts = {next((i for i, p in enumerate(periods) if p >= mark), None) for mark in restarts} | {0}
    starts = sorted(starts - {None})
    points, sections = [], []
    for section, (start, end) in enumerate(zip(starts, [*starts[1:], len(periods)], strict=True), start=1):
        if start == end:
            continue
        rows, summary = _section(periods[start:end], values[start:end], DIRECTION[polarity], screen, baseline)
        points += [row | {"section": section} for row in rows]
        sections.append(summary | {"section": section})
    return points, sections


def _section(periods, values, direction, screen, baseline):
    """Rows of one section's points, and its summary."""
    base = values[: baseline or len(values)]
    ranges = np.abs(np.diff(values, prepend=np.nan))
    used = ranges[: len(base)]
    used = used[~np.isnan(used)]
    kept = used[used < SCREEN * used.mean()] if screen and len(used) else used
    count = int(np.count_nonzero(~np.isnan(values)))
    reason = None
    if np.count_nonzero(~np.isnan(base)) < FEWEST:
        reason = f"{count} values from {periods[0]} on; limits need {FEWEST}."
    elif not len(used):
        reason = "No two neighbouring periods both have a value, so there is no moving range to set limits by."
    elif not used.any():
        reason = "The value never changes from one period to the next, so there is no variation to set limits by."
    summary = {
        "from_period": periods[0],
        "to_period": periods[-1],
        "values": count,
        "moving_ranges_screened": len(used) - len(kept) if reason is None else 0,
        "is_trial": count < TRIAL_BELOW,
        "reason": reason,
    }
    rows = [
        {"period": p, "value": _or_none(v), "moving_range": _or_none(r), "rule_set": RULE_SET}
        for p, v, r in zip(periods, values, ranges, strict=True)
    ]
    if reason is not None:
        return rows, summary
    centre, mean_range = float(np.nanmean(base)), float(kept.mean())
    summary |= {
        "centre": centre,
        "mean_moving_range": mean_range,
        "lower_limit": centre - LIMIT * mean_range,
        "upper_limit": centre + LIMIT * mean_range,
    }
    signals = _signals(values, centre, mean_range)
    for i, row in enumerate(rows):
        row |= {name: summary[name] for name in ("centre", "lower_limit", "upper_limit")}
        if row["value"] is None:
            continue
        fired = {name: int(signals[name][i]) for name in ("outside_limits", "trend", "near_limit", "shift")}
        signal = next((name for name, side in fired.items() if side), None)
        side = fired[signal] if signal else 0
        row |= {
            "is_outside": bool(fired["outside_limits"]),
            "is_trend": bool(fired["trend"]),
            "is_near_limit": bool(fired["near_limit"]),
            "is_shift": bool(fired["shift"]),
            "signal": signal,
            "signal_side": {1: "high", -1: "low", 0: None}[side],
            "assessment": "common_cause" if not signal else _ASSESSED[side * direction],
        }
    return rows, summary


_ASSESSED = {1: "improvement", -1: "concern", 0: "neutral"}


def _signals(values, centre, mean_range):
    """For each rule, 1 (high), -1 (low) or 0 a point. A null (nan) compares as false, so it breaks every run."""
    side = np.nan_to_num(np.sign(values - centre))
    outside = (values > centre + LIMIT * mean_range) | (values < centre - LIMIT * mean_range)
    near = ((values > centre + NEAR * mean_range) | (values < centre - NEAR * mean_range)) & ~outside
    steps = np.nan_to_num(np.sign(np.diff(values)))
    trend, shift, close = (np.zeros(len(values)) for _ in range(3))
    for start in range(len(values) - RUN + 1):
        end = start + RUN
        # A turning point belongs to two trends; the later one names it.
        if abs(steps[start : end - 1].sum()) == RUN - 1:
            trend[start:end] = steps[start]
        if abs(side[start:end].sum()) == RUN:
            shift[start:end] = side[start]
    for start in range(len(values) - 2):
        three = slice(start, start + 3)
        if near[three].sum() >= 2 and abs(side[three].sum()) == 3:
            close[three] = np.where(near[three], side[three], close[three])
    return {"outside_limits": np.where(outside, side, 0), "trend": trend, "near_limit": close, "shift": shift}


def _or_none(number):
    return None if np.isnan(number) else float(number)
