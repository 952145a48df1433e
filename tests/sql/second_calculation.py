"""The figures a second time, in plain pandas and numpy: what all collections share; each has a second.py of its own.

tests/sql/<collection>/second.py says, written from the methods in words and not from the SQL,
    metrics(now, year, period, others)   {metric: (numerator, denominator, value, what a unit is worth)} of one trust: `now` its rows
                                         of the period, `year` those of the twelve months ending in it, `others` by collection
    metrics_of_all(own, period, others)  in its place, where trusts are compared with one another: the same by trust
    months(year)                         (optional) {metric: how many months could be used}, where not every month that was sent counts
    rows(rng, code, period)              (optional) random rows of one trust; else one row of random numbers
    FEWEST                               (optional) fewest values that random returns must give
"""

import importlib.util
import math
import sys
from functools import cache
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent
NONE = (math.nan, math.nan, math.nan, math.nan)


def collections() -> list[str]:
    """Those that have a second calculation."""
    return sorted(path.parent.name for path in FOLDER.glob("*/second.py"))


@cache
def of(collection: str):
    """The collection's second.py."""
    spec = importlib.util.spec_from_file_location(f"second_{collection}", FOLDER / collection / "second.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def ratio(frame, top, bottom, times=100.0, worth=None):
    """(numerator, denominator, value, what a unit is worth) over the rows where both parts are given."""
    both = frame[top.notna() & bottom.notna()].index
    if len(both) == 0:
        return NONE
    n, d = top[both].sum(), bottom[both].sum()
    value = times * n / d if d > 0 else math.nan
    return (n, d, value, math.nan if worth is None else worth(d))


def protected(parts, people=("numerator", "denominator")):
    """What is shown of counts of people: 1 to 7 nothing, others to the nearest 5, and the ratio of what is shown."""
    n, d, value, _ = parts
    if math.isnan(n):
        return NONE

    def shown(part, x):
        if part not in people:
            return x
        return math.nan if 0 < x < 7.5 else 5 * math.floor((x + 2.5) / 5)

    n, d = shown("numerator", n), shown("denominator", d)
    times = 1 if people == ("denominator",) else 100
    return (n, d, times * n / d if d > 0 and not math.isnan(value) else math.nan, math.nan)


def data_quality(submissions, expected, collection, period):
    """DQ01-DQ04 by trust."""
    log = submissions[submissions.collection == collection]
    found = {}
    for code in sorted(set(expected[expected.period == period].sender)):
        own = log[log.provider_code == code]
        now = own[own.period == period]
        due = {p for p in expected[expected.sender == code].period if in_year(p, period)}
        again = {p for p in due if (own[own.period == p].version > 1).any()}
        first = now[now.version == 1]
        ok = float(first.state.isin(["accepted", "accepted_with_warnings"]).any())
        counted = now[now.is_current]
        found[code] = {
            "DQ01": (float(now.on_time.any()), 1.0, 100 * float(now.on_time.any()), math.nan),
            "DQ02": (ok, 1.0, 100 * ok, math.nan) if len(first) else NONE,
            "DQ03": ratio(counted, counted.cells_valid, counted.cells_expected),
            "DQ04": (float(len(again)), float(len(due)), 100 * len(again) / len(due), math.nan),
        }
    return found


def months_sent(inputs, frames, months):
    """How many of the last `months` months, or of the twelve of a year, each trust sent its return or is in the national file."""
    sent = inputs.submissions.filter(collection=inputs.collection, is_current=True)
    pairs = set(sent.drop_nulls("provider_code").select("provider_code", "period").rows())
    pairs |= set(frames[inputs.collection][["provider_code", "period"]].itertuples(index=False, name=None))
    last = [inputs.period]
    while int(inputs.period[5:]) <= 12 and len(last) < months:
        year, month = map(int, last[-1].split("-"))
        last.append(f"{year}-{month - 1:02d}" if month > 1 else f"{year - 1}-12")
    each = 12 if int(inputs.period[5:]) > 12 else 1
    return {code: each * sum((code, period) in pairs for period in last) for code in {code for code, _ in pairs}}


def in_year(month, period):
    """Whether a month is one of the twelve that end in the period; a financial year is its own."""
    if int(period[5:]) > 12 or int(month[5:]) > 12:
        return month == period
    year, number = map(int, period.split("-"))
    return f"{year - 1}-{number:02d}" < month <= period


def quantile(values, share):
    """Linear quantile (R type 7)."""
    values = sorted(values)
    at = (len(values) - 1) * share
    low, high = math.floor(at), math.ceil(at)
    return values[low] + (at - low) * (values[high] - values[low])


def benchmark(values, least, enough):
    """(providers, minimum, lower quartile, median, upper quartile, maximum), NULL where too few."""
    n = len(values)
    full = n >= max(least, enough)
    spread = [quantile(values, s) if full else math.nan for s in (0, 0.25, 0.5, 0.75, 1)]
    spread[2] = quantile(values, 0.5) if n >= least else math.nan
    return (n, *spread)


def percentile(value, group, polarity):
    """Mid-rank share of the group that is worse, 0 to 100."""
    if polarity == "neutral" or len(group) < 5:
        return math.nan
    good = {"higher_better": lambda x: x, "lower_better": lambda x: -x, "target_100": lambda x: -abs(x - 100)}[polarity]
    worse = sum(good(x) < good(value) - 1e-9 for x in group)
    same = sum(abs(good(x) - good(value)) <= 1e-9 for x in group)
    return 100 * (worse + same / 2) / len(group)


def blank(value):
    """None and NaN as None."""
    return None if value is None or (not isinstance(value, str) and pd.isna(value)) else value
