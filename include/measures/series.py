"""How the series of each metric and provider is read: where it restarts, who goes on with it, and whether its parts may be added."""

import re
from datetime import date

import polars as pl
from trust_benchmarks.measures.input_tables import Types
from trust_benchmarks.reference import calendar, tables

RULE_SET = "nhs-making-data-count-1"  # of published.signals; a change to any of its numbers is a new id
SAME = 1e-9  # a metric's parts may be added when they give its value this exactly, relatively

SERIES_RULE: Types = {
    "metric_id": pl.String,
    "polarity": pl.String,
    "covers_months": pl.Int64,
    "adds": pl.String,
    "times": pl.Float64,
    "rule_set": pl.String,
    "series": pl.String,
}
SUCCESSOR: Types = {"provider_code": pl.String, "successor_code": pl.String}


def rules(measures: pl.DataFrame, defined: dict[str, tables.Metric]) -> pl.DataFrame:
    """By which rules each metric is charted, over how many months a value reaches, and whether its parts add up.

    Args:
        measures: metric_id, numerator, denominator and value, null where a figure is not whole.
        defined: the definitions that hold in the period, by metric_id.

    Returns:
        Columns of `SERIES_RULE`, one row a metric. adds: 'ratio' (value = times x numerator / denominator), 'sum' (value =
        numerator), or null where values of several trusts cannot be added.
    """
    rows = []
    for metric_id in sorted(measures["metric_id"].unique()):
        metric = defined[metric_id]
        rolling = re.fullmatch(r"rolling (\d+)m", metric.period)
        adds, times = _adds(metric, measures.filter(pl.col("metric_id") == metric_id))
        rows.append(
            (metric_id, metric.polarity, int(rolling[1]) if rolling else 1, adds, times, RULE_SET, metric.series)
        )
    return pl.DataFrame(rows, schema=SERIES_RULE, orient="row")


def _adds(metric: tables.Metric, rows: pl.DataFrame) -> tuple[str | None, float | None]:
    """The columns adds and times. The formula says what a metric is made of; it counts only where every value is made of its parts like that."""
    valued = rows.filter(pl.col("value").is_not_null())
    if metric.denominator or valued["denominator"].is_not_null().any():
        leading = re.match(r"(\d+)\*", metric.formula)
        times = float(leading[1]) if leading else 1.0
        made = times * pl.col("numerator") / pl.col("denominator")
        close = (made - pl.col("value")).abs() <= SAME * pl.max_horizontal(pl.col("value").abs(), pl.lit(1.0))
        holds = valued.select((close & (pl.col("denominator") > 0)).fill_null(False).all()).item()
        return ("ratio", times) if holds else (None, None)
    is_sum = re.match(r"(sum|count)\(", metric.formula) is not None
    alone = (pl.col("numerator") == pl.col("value")) & pl.col("denominator").is_null()
    return ("sum", None) if is_sum and valued.select(alone.fill_null(False).all()).item() else (None, None)


def restarts(measures: pl.DataFrame, period: str, known: tables.Tables) -> pl.DataFrame:
    """In how many different periods up to this one the series of each metric and provider broke.

    Args:
        measures: metric_id and provider_code.
        period: month or financial year.
        known: the reference data: successions, declared breaks, and new versions of metrics.

    Returns:
        metric_id, provider_code and restarts, in the order of `measures`.
    """
    own = calendar.kind(period)
    days: dict[tuple[str, str], set[date]] = {}

    def note(metric_id: str, provider_code: str, day: date) -> None:
        # The first day of its period; a financial year before 2012 has no name of its own, but it has a first day.
        broken = day.replace(day=1) if own == "month" else date(day.year - (day.month < 4), 4, 1)
        if broken <= calendar.period_start(period):
            days.setdefault((metric_id, provider_code), set()).add(broken)

    for change in known.successions:
        if change.type != "rename":
            note("", change.from_code, change.legal_date)
            note("", change.to_code, change.legal_date)
    for one in known.series_breaks:
        note(one.metric_id, one.provider_code, one.day)
    for version in known.metric_versions:
        if version.valid_from:  # a new definition is a new series
            note(version.metric_id, "", version.valid_from)
    keys = measures.select("metric_id", "provider_code")
    counts = [
        len(set[date]().union(*(days.get(pair, ()) for pair in ((m, p), ("", p), (m, ""), ("", "")))))
        for m, p in keys.rows()
    ]
    return keys.with_columns(restarts=pl.Series(counts, dtype=pl.Int64))


def successors(measures: pl.DataFrame, known: tables.Tables) -> pl.DataFrame:
    """Providers whose work is all with one other provider now; work that was split up stays where it was reported."""
    rows = []
    for code in sorted(measures["provider_code"].unique()):
        now = known.final_successors(code) if known.knows(code) else []
        if len(now) == 1 and now != [code]:
            rows.append((code, now[0]))
    return pl.DataFrame(rows, schema=SUCCESSOR, orient="row")
