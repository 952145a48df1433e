"""Tells how the trusts of a peer group are spread on one metric, with the counts that a benchmark needs.

Source: the project's domain brief, section 4, methods 2 and 10 (counts are proposals of this project). Quantiles are linear (R type
7), as in include/sql/benchmarks/_benchmarks.sql. Figures are in the metric's unit.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from trust_benchmarks.measures.methods import once, require

FOR_MEDIAN, FOR_QUARTILES = 5, 8  # trusts with a value


@dataclass(frozen=True)
class Spread:
    """One metric over one group.

    Attributes:
        providers: members with a value.
        without_value: members without one.
        minimum, lower_quartile, median, upper_quartile, maximum: None where withheld.
        reason: what is withheld and why, or None.
    """

    providers: int
    without_value: tuple[str, ...]
    minimum: float | None = None
    lower_quartile: float | None = None
    median: float | None = None
    upper_quartile: float | None = None
    maximum: float | None = None
    reason: str | None = None


def spread(
    values: pl.DataFrame, members: Iterable[str], *, for_median: int = FOR_MEDIAN, for_quartiles: int = FOR_QUARTILES
) -> Spread:
    """The spread of a metric over a group's members.

    Args:
        values: columns provider_code and value, one row a trust; nulls allowed.
        members: codes, as `peers.Group.members`; the trust itself is not among them.
        for_median, for_quartiles: trusts needed for a median, and for quartiles and ends.

    Raises:
        MethodError: for a missing column or a trust twice.
    """
    require(values, "provider_code value", "A spread")
    once(values["provider_code"], "provider_code", "A spread")
    wanted = sorted(set(members))
    known = values.select("provider_code", pl.col("value").cast(pl.Float64).fill_nan(None)).drop_nulls()
    of = dict(known.filter(pl.col("provider_code").is_in(wanted)).iter_rows())
    without = tuple(code for code in wanted if code not in of)
    n, numbers = len(of), sorted(of.values())
    if n < for_median:
        return Spread(n, without, reason=f"{n} peers with a value; a median needs {for_median}.")
    lower, median, upper = (float(q) for q in np.quantile(numbers, [0.25, 0.5, 0.75]))
    if n < for_quartiles:
        return Spread(n, without, median=median, reason=f"{n} peers with a value; quartiles need {for_quartiles}.")
    return Spread(n, without, numbers[0], lower, median, upper, numbers[-1])
