"""How far chance alone may have moved a figure: 95% intervals of proportions and rates, and the ranks that they leave possible.

Sources: Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, JASA 22, for proportions; Garwood,
F. (1936), Fiducial limits for the Poisson distribution, Biometrika 28, for rates. docs/methods.md says what a reader may conclude.
"""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special  # scipy.stats takes a second to load
from trust_benchmarks.measures.input_tables import Types
from trust_benchmarks.measures.methods import why_no_value
from trust_benchmarks.reference import tables

TAIL = 0.025  # at each end
Z = float(special.ndtri(1 - TAIL))
FEWEST_FOR_RANK = 5  # as for_rank() in include/sql/measures/_macros.sql

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
    left_out = why_no_value(own)
    why = (
        pl.when(pl.col("value").is_null())
        .then(pl.col("provider_code").replace_strict(left_out, default=None, return_dtype=pl.String))
        .when(pl.lit(times is None) | top.is_null() | bottom.is_null())
        .then(pl.lit("NOT_MADE_OF_COUNTS"))
        .when(bottom <= 0)
        .then(pl.lit("NO_DENOMINATOR"))
        .when(top < 0)
        .then(pl.lit("NEGATIVE_COUNT"))
        .when(pl.lit(metric.counts == "proportion") & (top > bottom))
        .then(pl.lit("NOT_A_SHARE"))
    )
    told = own.with_columns(why.alias("no_interval"))
    used = told.filter(pl.col("no_interval").is_null())
    lower, upper = bounds(metric.counts, used["numerator"].to_numpy(), used["denominator"].to_numpy())
    used = used.select(
        "metric_id", "provider_code", "peer_group", "rank_withheld",
        pl.Series("lower", lower * (times or 1.0)), pl.Series("upper", upper * (times or 1.0)),
    )  # fmt: skip
    without = told.filter(pl.col("no_interval").is_not_null()).select(
        "metric_id", "provider_code", pl.col("no_interval").alias("withheld")
    )
    return pl.concat([_with_ranks(used, metric.polarity), without], how="diagonal").select(
        pl.col(name).cast(dtype) if name in (*used.columns, "rank_lowest", "rank_highest", "withheld") else pl.lit(None)
        for name, dtype in INTERVAL.items()
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


def _with_ranks(used: pl.DataFrame, polarity: str) -> pl.DataFrame:
    """The lowest and highest percentile rank that a figure may have, where it has a rank: another trust is better or worse only if its
    interval lies wholly on that side.
    """
    good = {"higher_better": 1, "lower_better": -1}.get(polarity)
    if good is None or not used.height:
        return used.with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("rank_lowest", "rank_highest"))
    low, high = ("lower", "upper") if good == 1 else ("upper", "lower")
    parts = []
    for (_,), group in used.group_by("peer_group", maintain_order=True):
        least, most = good * group[low].to_numpy(), good * group[high].to_numpy()
        worse = np.searchsorted(np.sort(most), least, side="left")
        better = group.height - np.searchsorted(np.sort(least), most, side="right")
        has_rank = group["rank_withheld"].is_null() & (group.height >= FEWEST_FOR_RANK)
        lowest, highest = 100 * (worse + 0.5) / group.height, 100 * (group.height - better - 0.5) / group.height
        parts.append(
            group.with_columns(
                pl.when(has_rank).then(pl.Series(lowest)).alias("rank_lowest"),
                pl.when(has_rank).then(pl.Series(highest)).alias("rank_highest"),
            )
        )
    return pl.concat(parts)
