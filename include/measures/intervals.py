"""How far chance alone may have moved a figure: 95% intervals of proportions and rates, and the ranks that they leave possible.

Sources: Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, JASA 22, for proportions; Garwood,
F. (1936), Fiducial limits for the Poisson distribution, Biometrika 28, for rates. docs/methods.md says what a reader may conclude.
"""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special  # scipy.stats takes a second to load
from trust_benchmarks.measures.input_tables import Types
from trust_benchmarks.reference import tables

TAIL = 0.025  # at each end
Z = float(special.ndtri(1 - TAIL))

Numbers = npt.NDArray[np.float64]

# A row a provider and metric: core.value_interval.
INTERVAL: Types = {"metric_id": pl.String, "provider_code": pl.String}
INTERVAL |= dict.fromkeys(("lower", "upper", "rank_lowest", "rank_highest"), pl.Float64) | {"withheld": pl.String}


def table(measures: pl.DataFrame, defined: dict[str, tables.Metric], rules: pl.DataFrame) -> pl.DataFrame:
    """The interval of every figure that is made of counts, and the percentile ranks that it may have, or why it has none.

    Args:
        measures: metric_id, provider_code, peer_group, numerator, denominator, value (null where a figure is not whole), withheld and
            rank_withheld.
        defined: the definitions that hold in the period, by metric_id.
        rules: metric_id and times: what a metric's ratio is multiplied by, null where its value is no ratio of its parts.

    Returns:
        Columns of `INTERVAL`; withheld is a code of reference/reasons.csv. lower and upper are in the metric's unit, ranks 0 to 100.
    """
    found = [pl.DataFrame(schema=INTERVAL)]
    for metric_id, times in rules.select("metric_id", "times").iter_rows():
        if defined[metric_id].counts:
            own = measures.filter(pl.col("metric_id") == metric_id).sort("provider_code")
            found.append(_of_metric(own, defined[metric_id], times))
    return pl.concat(found)


def _of_metric(own: pl.DataFrame, metric: tables.Metric, times: float | None) -> pl.DataFrame:
    top, bottom = pl.col("numerator"), pl.col("denominator")
    why = (
        pl.when(pl.col("value").is_null())
        .then(pl.col("withheld").fill_null("NOT_REPORTED"))
        .when(pl.lit(times is None) | top.is_null() | bottom.is_null())
        .then(pl.lit("NOT_MADE_OF_COUNTS"))
        .when(bottom <= 0)
        .then(pl.lit("NO_DENOMINATOR"))
        .when(top < 0)
        .then(pl.lit("NEGATIVE_COUNT"))
        .when(pl.lit(metric.counts == "proportion") & (top > bottom))
        .then(pl.lit("NOT_A_SHARE"))
    )
    told = own.with_columns(withheld=why)
    used = told.filter(pl.col("withheld").is_null())
    lower, upper = bounds(metric.counts, used["numerator"].to_numpy(), used["denominator"].to_numpy())
    known = used.select(
        "provider_code",
        lower=pl.lit(pl.Series(lower * (times or 1.0))),
        upper=pl.lit(pl.Series(upper * (times or 1.0))),
    )
    return _with_ranks(told.join(known, on="provider_code", how="left", maintain_order="left"), metric.polarity).select(
        pl.col(name).cast(dtype) for name, dtype in INTERVAL.items()
    )


def bounds(kind: str, numerator: Numbers, denominator: Numbers) -> tuple[Numbers, Numbers]:
    """The ends of the 95% intervals of numerator / denominator.

    Args:
        kind: 'proportion' (Wilson's score interval) or 'rate' (the exact interval of a Poisson count, over the exposure).
        numerator: counts of 0 or more; of a proportion at most the denominator.
        denominator: above 0.
    """
    if kind == "rate":
        lower = np.where(numerator > 0, special.gammaincinv(np.maximum(numerator, 1e-300), TAIL), 0.0)
        return lower / denominator, special.gammaincinv(numerator + 1, 1 - TAIL) / denominator
    share, squared = numerator / denominator, Z * Z
    middle = (numerator + squared / 2) / (denominator + squared)
    half = Z / (denominator + squared) * np.sqrt(numerator * (1 - share) + squared / 4)
    # At the ends the interval touches 0 and 1; a last bit must not carry it beyond.
    return np.clip(middle - half, 0.0, share), np.clip(middle + half, share, 1.0)


def _with_ranks(own: pl.DataFrame, polarity: str) -> pl.DataFrame:
    """The figures of a metric with the lowest and highest percentile rank that each may have, where it has a rank and an interval.

    Another trust is better or worse only if its interval lies wholly on that side; one without an interval may be either.
    """
    good = {"higher_better": 1, "lower_better": -1}.get(polarity, 0)
    low, high = ("lower", "upper") if good > 0 else ("upper", "lower")
    places = [pl.DataFrame(schema={"provider_code": pl.String, "rank_lowest": pl.Float64, "rank_highest": pl.Float64})]
    ranked = own.filter(pl.col("rank_withheld").is_null() & pl.col("value").is_not_null() & (good != 0))
    for _, group in ranked.group_by("peer_group"):
        known = group.filter(pl.col("lower").is_not_null())
        least, most = good * known[low].to_numpy(), good * known[high].to_numpy()
        worse = np.searchsorted(np.sort(most), least, side="left")
        better = known.height - np.searchsorted(np.sort(least), most, side="right")
        of_all = 100 / group.height
        lowest, highest = of_all * (worse + 0.5), of_all * (group.height - better - 0.5)
        places.append(
            known.select(
                "provider_code", rank_lowest=pl.lit(pl.Series(lowest)), rank_highest=pl.lit(pl.Series(highest))
            )
        )
    return own.join(pl.concat(places), on="provider_code", how="left", maintain_order="left")
