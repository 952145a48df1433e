"""How sure a proportion or a rate is: Wilson for proportions, exact Poisson under ten events and Byar above for rates.

Source: PHEindicatormethods 2.1.0 (github.com/ukhsa-collaboration/PHEindicatormethods, commit 093fd28), phe_proportion and
phe_rate, after Wilson, E. B. (1927) and Breslow, N. E. and Day, N. E. (1987). Counts are numbers of events; null in, null
out.
"""

import numpy as np
import polars as pl
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.rates import confint_poisson
from trust_benchmarks.measures.methods import MethodError

EXACT_BELOW = 10  # events
COLUMNS = ["value", "lower", "upper", "method"]


def proportion(numerator, denominator, *, confidence: float = 0.95, multiplier: float = 1) -> pl.DataFrame:
    """Proportions with Wilson score intervals.

    Args:
        numerator: events, a sequence with or without nulls.
        denominator: those it could have happened to; as long.
        confidence: 0.9 to 1 (1 left out).
        multiplier: 1 for a share, 100 for per cent.

    Returns:
        Columns value, lower, upper (times multiplier) and method, one row a pair.

    Raises:
        MethodError: for negative numbers, a denominator of 0, more events than those it could happen to, another
            confidence, or lengths that differ.
    """
    events, over = _pairs(numerator, denominator, confidence)
    if (events > over).any():
        raise MethodError("A proportion has more events than its denominator. Expected a part of a whole; use a rate.")
    lower, upper = proportion_confint(events, over, alpha=1 - confidence, method="wilson")
    return _frame(events / over, np.asarray(lower), np.asarray(upper), np.full(len(events), "wilson"), multiplier)


def rate(numerator, denominator, *, confidence: float = 0.95, multiplier: float = 1) -> pl.DataFrame:
    """Rates of events by exposure, with exact Poisson intervals under ten events and Byar's from ten on.

    Args, returns, raises: as `proportion`, but events may exceed the denominator; multiplier 1000 for 'per 1,000'.
    """
    events, over = _pairs(numerator, denominator, confidence)
    exact = events < EXACT_BELOW
    lower, upper = byar(events, confidence)
    if exact.any():
        exact_lower, exact_upper = confint_poisson(events[exact], 1, method="exact-c", alpha=1 - confidence)
        # No event has no lower end in the chi-squared form; the limit is 0.
        lower[exact], upper[exact] = np.where(events[exact] == 0, 0.0, exact_lower), exact_upper
    return _frame(events / over, lower / over, upper / over, np.where(exact, "exact", "byar"), multiplier)


def byar(count, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Byar's approximate Poisson interval of counts; the lower end of a count too small for it is nan."""
    count = np.asarray(count, dtype=float)
    z = stats.norm.ppf(0.5 + confidence / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = count * (1 - 1 / (9 * count) - z / (3 * np.sqrt(count))) ** 3
    above = count + 1
    return np.where(lower < 0, np.nan, lower), above * (1 - 1 / (9 * above) + z / (3 * np.sqrt(above))) ** 3


def _pairs(numerator, denominator, confidence):
    events, over = (
        pl.Series(list(x), dtype=pl.Float64, strict=False).to_numpy().copy() for x in (numerator, denominator)
    )
    if len(events) != len(over):
        raise MethodError(f"{len(events)} numerators came with {len(over)} denominators. Expected as many.")
    if not 0.9 <= confidence < 1:
        raise MethodError(
            f"A confidence of {confidence} was asked for. Expected 0.9 to below 1, such as 0.95 or 0.998."
        )
    if (events < 0).any() or (over <= 0).any():
        raise MethodError(
            "A numerator is negative or a denominator is not above 0. Leave such trusts out, with a reason."
        )
    missing = np.isnan(events) | np.isnan(over)
    events[missing] = over[missing] = np.nan
    return events, over


def _frame(value, lower, upper, method, multiplier):
    known = ~np.isnan(value)
    columns = [
        pl.Series(name, x * multiplier).fill_nan(None) for name, x in zip(COLUMNS, (value, lower, upper), strict=False)
    ]
    return pl.DataFrame(
        [*columns, pl.Series("method", [m if k else None for m, k in zip(method, known, strict=True)], pl.String)]
    )
