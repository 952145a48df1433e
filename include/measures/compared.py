"""What a release says beyond values: where series restart, peers and their spreads, funnels, and cost adjusted for size.

A pure function of the figures that will be published and the reference data, so nothing here tells more than they do. A figure that is
not whole is nobody's peer and has no place in any spread, funnel or line. Which methods apply is data: `funnel` and
`adjust_for_size` of a metric, `size` and `alike` of a collection (include/catalogue/README.md).
"""

import re
from datetime import date
from functools import cache

import polars as pl

from .. import catalogue, reference
from ..reference import calendar, tables
from .spread import FOR_MEDIAN, FOR_QUARTILES  # or more, where a metric asks

SAME = 1e-9  # a metric's parts may be added when they give its value this exactly, relatively

SERIES_RULE = {
    "metric_id": pl.String,
    "polarity": pl.String,
    "covers_months": pl.Int64,
    "adds": pl.String,
    "times": pl.Float64,
    "least_peers": pl.Int64,
    "rule_set": pl.String,
}
SUCCESSOR = {"provider_code": pl.String, "successor_code": pl.String}
PEER_GROUP = {"provider_code": pl.String, "basis": pl.String, "peer_group": pl.String, "features": pl.String}
PEER = {
    "provider_code": pl.String,
    "basis": pl.String,
    "peer_code": pl.String,
    "distance": pl.Float64,
    "features": pl.String,
}
FUNNEL = {"metric_id": pl.String, "provider_code": pl.String, "kind": pl.String}
FUNNEL |= dict.fromkeys(("centre", "phi", "tau2"), pl.Float64) | {"is_adjusted": pl.Boolean}
FUNNEL |= dict.fromkeys(("z", "lower_95", "upper_95", "lower_99_8", "upper_99_8"), pl.Float64)
FUNNEL |= {"position": pl.String, "withheld": pl.String}
SIZE_COST = {"metric_id": pl.String, "provider_code": pl.String}
SIZE_COST |= dict.fromkeys(("size", "cost_gbp", "expected_cost_gbp", "ratio", "opportunity_gbp"), pl.Float64)
SIZE_COST |= {"peers": pl.Int64}
SIZE_COST |= dict.fromkeys(
    ("peer_median_share", "variance_gbp", "scale_effect_gbp", "efficiency_effect_gbp"), pl.Float64
)
SIZE_COST |= {"trusts": pl.Int64}
SIZE_COST |= dict.fromkeys(("slope", "slope_lower", "slope_upper", "r2"), pl.Float64)
SIZE_COST |= dict.fromkeys(("robust_slope", "robust_slope_lower", "robust_slope_upper"), pl.Float64)
SIZE_COST |= {"withheld": pl.String}


@cache
def applied() -> dict:
    """Which methods apply to which metrics and collections."""
    metrics, collections = reference.load().metrics, catalogue.all()
    return {
        "funnel": {one.metric_id: one.funnel for one in metrics if one.funnel},
        "size_cost": {"metrics": [one.metric_id for one in metrics if one.adjust_for_size]},
        # fewest: trusts with a size, five a band
        "size": {"bands": 4, "fewest": 20, "by": {name: one.size for name, one in collections.items() if one.size}},
        "nearest": {
            "count": 10,
            "scale": "mad",
            "by": {name: list(one.alike) for name, one in collections.items() if one.alike},
        },
    }


def add(
    figures: dict[str, pl.DataFrame], collection: str, period: str, known: tables.Tables
) -> dict[str, pl.DataFrame]:
    """The tables of a release with all that follows from its measures.

    Args:
        figures: by table of schema core; `measure` and `benchmark` as they will be published.
        known: the reference data that the measures rest on.

    Returns:
        the same tables; `measure` with the number of restarts up to the period, `benchmark` with regions and size bands; and
        series_rule, successor, peer_group, peer, funnel and size_cost.
    """
    measures, defined = whole(figures["measure"]), known.metrics_in(calendar.period_start(period))
    rules = {metric.metric_id: metric for metric in defined}
    present = sorted(measures["metric_id"].unique())
    groups = _groups(measures, collection, known)
    series = pl.DataFrame([_series_rule(rules[one], _of(measures, one)) for one in present], schema=SERIES_RULE)
    times = dict(series.select("metric_id", "times").iter_rows())
    return figures | {
        "measure": figures["measure"].join(
            _restarts(measures, period, known), on=["metric_id", "provider_code"], how="left", maintain_order="left"
        ),
        "benchmark": pl.concat([figures["benchmark"], _spreads(measures, groups, series)], how="diagonal"),
        "series_rule": series,
        "successor": _successors(measures, known),
        "peer_group": groups,
        "peer": _peers(measures, collection, known),
        "funnel": _funnels(measures, present, times),
        "size_cost": _size_costs(measures, present),
    }


def whole(measures: pl.DataFrame) -> pl.DataFrame:
    """The measures with no numbers where a figure is withheld or marked as a part (column `withheld`)."""
    is_whole = pl.col("withheld").is_null()
    return measures.with_columns(
        pl.when(is_whole).then(name).alias(name) for name in ("numerator", "denominator", "value")
    )


def _of(measures, metric_id: str) -> pl.DataFrame:
    return measures.filter(pl.col("metric_id") == metric_id).sort("provider_code")


def _codes(measures) -> list[str]:
    return sorted(measures["provider_code"].unique())


# Series --------------------------------------------------------------------------------------------------------------


def _series_rule(metric: tables.Metric, rows: pl.DataFrame) -> dict:
    """How a metric's series is read: by which rules, over how many months a value reaches, and whether its parts add up."""
    from . import spc

    rolling = re.fullmatch(r"rolling (\d+)m", metric.period)
    adds, times = _adds(metric, rows)
    return {
        "metric_id": metric.metric_id,
        "polarity": metric.polarity,
        "covers_months": int(rolling[1]) if rolling else 1,
        "adds": adds,
        "times": times,
        "least_peers": max(FOR_MEDIAN, metric.min_peers_median or 0),
        "rule_set": spc.RULE_SET,
    }


def _adds(metric: tables.Metric, rows: pl.DataFrame) -> tuple[str | None, float | None]:
    """('ratio', times), ('sum', None), or (None, None) where values of several trusts cannot be added.

    The formula says what a metric is made of; it counts only where every value of the release is made of its parts like that.
    """
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


def _restarts(measures, period: str, known: tables.Tables) -> pl.DataFrame:
    """For each metric and provider, in how many different periods up to this one its series broke."""
    own = calendar.kind(period)
    days: dict[tuple[str, str], set[date]] = {}

    def note(metric_id, provider_code, day):
        # The first day of its period; a financial year before 2012 has no name of its own, but it has a first day.
        broken = day.replace(day=1) if own == "month" else date(day.year - (day.month < 4), 4, 1)
        if broken <= calendar.period_start(period):
            days.setdefault((metric_id, provider_code), set()).add(broken)

    for one in known.successions:
        if one.type != "rename":
            note("", one.from_code, one.legal_date)
            note("", one.to_code, one.legal_date)
    for one in known.series_breaks:
        note(one.metric_id, one.provider_code, one.day)
    for one in known.metric_versions:
        if one.valid_from:  # a new definition is a new series
            note(one.metric_id, "", one.valid_from)
    keys = measures.select("metric_id", "provider_code")
    counts = [
        len(set().union(*(days.get(pair, ()) for pair in ((m, p), ("", p), (m, ""), ("", ""))))) for m, p in keys.rows()
    ]
    return keys.with_columns(restarts=pl.Series(counts, dtype=pl.Int64))


def _successors(measures, known: tables.Tables) -> pl.DataFrame:
    """Providers whose work is all with one other provider now; work that was split up stays where it was reported."""
    rows = []
    for code in _codes(measures):
        now = known.final_successors(code) if known.knows(code) else []
        if len(now) == 1 and now != [code]:
            rows.append((code, now[0]))
    return pl.DataFrame(rows, schema=SUCCESSOR, orient="row")


# Peers ---------------------------------------------------------------------------------------------------------------


def _groups(measures, collection: str, known: tables.Tables) -> pl.DataFrame:
    """Each provider's sector, region and band of size."""
    codes = set(_codes(measures))
    rows = [
        (p.code, basis, f"{basis}:{value}", basis)
        for p in known.providers
        if p.code in codes
        for basis, value in (("sector", p.sector), ("region", p.region))
        if value
    ]
    declared = applied()["size"]
    if part := declared["by"].get(collection):
        sizes = _part(measures, part).filter(pl.col(part) > 0)
        if sizes.height >= declared["fewest"]:
            from . import peers

            named = _named(part, known)
            of = peers.size_bands(sizes.rename({part: "size"}), declared["bands"])
            rows += [(code, "size", f"size:{band}", named) for code, band in of.items()]
    return pl.DataFrame(rows, schema=PEER_GROUP, orient="row").sort("basis", "provider_code")


def _part(measures, part: str) -> pl.DataFrame:
    """provider_code and one part of a metric, such as 'WF01.value', named like that."""
    metric_id, column = part.split(".")
    return _of(measures, metric_id).select("provider_code", pl.col(column).alias(part)).drop_nulls()


def _named(part: str, known: tables.Tables) -> str:
    """A part of a metric in the words of its definition."""
    metric_id, column = part.split(".")
    metric = next(one for one in known.metrics if one.metric_id == metric_id)
    return metric.name if column == "value" else getattr(metric, column)


def _peers(measures, collection: str, known: tables.Tables) -> pl.DataFrame:
    """Each provider's nearest neighbours, and its own list."""
    from . import peers

    codes, rows = set(_codes(measures)), []
    declared = applied()["nearest"]
    if parts := declared["by"].get(collection):
        features = _part(measures, parts[0])
        for part in parts[1:]:
            features = features.join(_part(measures, part), on="provider_code", how="inner")
        near, used, _ = peers.neighbours(features, parts, count=declared["count"], scale=declared["scale"])
        words = "; ".join(_named(part, known) for part in used)
        rows += [(code, "nearest", peer, distance, words) for code, peer, distance in near.rows()]
    rows += [
        (one.provider_code, "own_list", one.peer_code, None, "own choice")
        for one in known.peer_lists
        if one.provider_code in codes and one.peer_code in codes - {one.provider_code}
    ]
    return pl.DataFrame(rows, schema=PEER, orient="row")


def _spreads(measures, groups: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """The spread of each metric over each region and band of size; sectors and the whole country are there already."""
    wanted = groups.filter(pl.col("basis").is_in(["region", "size"])).select("provider_code", "peer_group")
    placed = measures.drop("peer_group").join(wanted, on="provider_code")
    value, sample = pl.col("value"), pl.col("is_sample")
    spread = placed.group_by("metric_id", "peer_group").agg(
        providers=value.count().cast(pl.Int64),
        minimum=value.min(),
        lower_quartile=value.quantile(0.25, "linear"),
        median=value.quantile(0.5, "linear"),
        upper_quartile=value.quantile(0.75, "linear"),
        maximum=value.max(),
        is_sample=pl.coalesce(pl.when(value.count() > 0).then(sample.filter(value.is_not_null()).any()), sample.any()),
    )
    spread = spread.join(rules.select("metric_id", "least_peers"), on="metric_id")
    for_median = pl.col("providers") >= pl.col("least_peers")
    for_quartiles = for_median & (pl.col("providers") >= FOR_QUARTILES)
    ends = ["minimum", "lower_quartile", "upper_quartile", "maximum"]
    return (
        spread.with_columns(
            pl.when(for_median).then("median").alias("median"),
            *(pl.when(for_quartiles).then(name).alias(name) for name in ends),
        )
        .drop("least_peers")
        .sort("metric_id", "peer_group")
    )


# Funnels and cost by size --------------------------------------------------------------------------------------------


def _funnels(measures, present: list[str], times: dict[str, float | None]) -> pl.DataFrame:
    """Every provider's place in the funnel of each metric that has one, or why it has none."""
    rows = []
    for metric_id, kind in applied()["funnel"].items():
        if metric_id in present:
            rows += _funnel(metric_id, kind, _of(measures, metric_id), times[metric_id])
    return pl.DataFrame(rows, schema=FUNNEL)


def _funnel(metric_id: str, kind: str, own: pl.DataFrame, times: float | None) -> list[dict]:
    from . import funnel

    # Some of what was counted may be no count: the method refuses it, so it is left out by name here.
    left_out = {
        code: "NOT_A_SHARE" if top > bottom else "NEGATIVE_COUNT"
        for code, top, bottom in own.select("provider_code", "numerator", "denominator").rows()
        if top is not None and bottom is not None and (top < 0 or (kind == "proportion" and top > bottom > 0))
    }
    used = own.filter(~pl.col("provider_code").is_in(list(left_out)) & pl.col("value").is_not_null())
    left_out |= _why_none(own)
    found = funnel.funnel(used.select("provider_code", "numerator", "denominator"), kind, multiplier=times or 1.0)
    left_out |= dict.fromkeys(found.left_out, "NO_DENOMINATOR")
    reason = None
    if found.reason:
        reason = "NO_EVENTS" if used["numerator"].sum() == 0 and used.height >= funnel.FEWEST else "TOO_FEW_FOR_FUNNEL"
    if times is None and used.height:
        reason = "NOT_MADE_OF_COUNTS"
        found = funnel.Funnel(found.points.clear(), found.curve, None, None, None, False, {}, reason)
    about = {"centre": found.target, "phi": found.phi, "tau2": found.tau2, "is_adjusted": found.is_adjusted}
    columns = [*funnel.LIMITS, "z", "position"]
    points = {row["provider_code"]: {name: row[name] for name in columns} for row in found.points.to_dicts()}
    rows = []
    for code in own["provider_code"]:
        row = {"metric_id": metric_id, "provider_code": code, "kind": kind}
        if code in points:
            rows.append(row | about | points[code])
        else:
            rows.append(row | {"withheld": left_out.get(code, reason)})
    return rows


def _why_none(own: pl.DataFrame) -> dict[str, str]:
    """Provider -> why it has no whole value, as its measure says."""
    none = own.filter(pl.col("value").is_null()).select("provider_code", pl.col("withheld").fill_null("NOT_REPORTED"))
    return dict(none.iter_rows())


def _size_costs(measures, present: list[str]) -> pl.DataFrame:
    """Every provider's cost adjusted for size, for each metric that has one, or why it has none."""
    rows = []
    for metric_id in applied()["size_cost"]["metrics"]:
        if metric_id in present:
            rows += _size_cost(metric_id, _of(measures, metric_id))
    return pl.DataFrame(rows, schema=SIZE_COST)


def _size_cost(metric_id: str, own: pl.DataFrame) -> list[dict]:
    from . import size_cost

    found = size_cost.adjust(own.select("provider_code", size="denominator", cost="numerator"))
    about = {"trusts": found.n}
    if found.reason is None:
        line, robust = found.ols, found.huber
        about |= {"slope": line.slope, "slope_lower": line.slope_lower, "slope_upper": line.slope_upper, "r2": line.r2}
        about |= {"robust_slope": robust.slope}
        about |= {"robust_slope_lower": robust.slope_lower, "robust_slope_upper": robust.slope_upper}
    money = ("cost", "expected_cost", "opportunity", "variance", "scale_effect", "efficiency_effect")
    effects = {row["provider_code"]: row for row in found.effects.to_dicts()}
    left_out = dict.fromkeys(found.left_out, "NO_SIZE_OR_COST") | _why_none(own)
    rows = []
    for code in own["provider_code"]:
        row = {"metric_id": metric_id, "provider_code": code} | about
        if code not in effects:
            rows.append(row | {"withheld": left_out.get(code, "TOO_FEW_FOR_LINE")})
            continue
        effect = effects[code]
        row |= {f"{name}_gbp": effect[name] for name in money}
        row |= {name: effect[name] for name in ("size", "ratio", "peers", "peer_median_share")}
        rows.append(row | {"withheld": "TOO_FEW_PEERS_FOR_SPLIT" if effect["reason"] else None})
    return rows
