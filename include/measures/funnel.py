"""Tells who differs from the others by more than their sizes explain: funnel limits with additive over-dispersion.

Source: Spiegelhalter, D. J. (2005), Funnel plots for comparing institutional performance, Statistics in Medicine 24, and
Handling over-dispersion of performance indicators, Quality and Safety in Health Care 14; Spiegelhalter et al. (2012),
Statistical methods for healthcare regulation, JRSS A 175. Checked against FunnelPlotR 0.6.0
(github.com/nhs-r-community/FunnelPlotR, commit 9020d49). Limits are in the unit of numerator / denominator times multiplier.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special  # scipy.stats takes a second to load
from trust_benchmarks.measures.input_tables import Types
from trust_benchmarks.measures.methods import MethodError, once, require, why_no_value

FEWEST = 10  # trusts
PROBABILITY = {"95": 0.975, "99_8": 0.999}  # two-sided 95% and 99.8%, about two and three standard errors
KINDS = ("proportion", "rate", "ratio", "ratio_log")
LIMITS = [f"{end}_{name}" for name in PROBABILITY for end in ("lower", "upper")]


Numbers = npt.NDArray[np.float64]

# A row a provider and metric: core.funnel.
FUNNEL: Types = {"metric_id": pl.String, "provider_code": pl.String, "kind": pl.String}
FUNNEL |= dict.fromkeys(("centre", "phi", "tau2"), pl.Float64) | {"is_adjusted": pl.Boolean}
FUNNEL |= dict.fromkeys(("z", *LIMITS), pl.Float64) | {"position": pl.String, "withheld": pl.String}


@dataclass(frozen=True)
class Funnel:
    """One metric's funnel.

    Attributes:
        points: one row a trust: provider_code, numerator, denominator, value, z (unadjusted), the limits lower_95,
            upper_95, lower_99_8, upper_99_8 at its denominator (with over-dispersion where `is_adjusted`), and position
            ('below_99_8', 'below_95', 'within', 'above_95', 'above_99_8').
        target: the centre: all numerators over all denominators (1 for a ratio), times multiplier.
        phi: mean squared z after winsorising (trimming for 'ratio_log'); 1 if trusts differ by chance alone.
        tau2: variance between trusts on the transformed scale.
        is_adjusted: whether limits are widened, which they are where phi is above 1.
        left_out: trusts not in it, with why.
        reason: why there are no figures, or None.
    """

    points: pl.DataFrame
    target: float | None
    phi: float | None
    tau2: float | None
    is_adjusted: bool
    left_out: dict[str, str]
    reason: str | None


def table(measures: pl.DataFrame, kinds: dict[str, str], rules: pl.DataFrame) -> pl.DataFrame:
    """Every provider's place in the funnel of each metric that has one, or why it has none.

    Args:
        measures: metric_id, provider_code, numerator, denominator, value (null where a figure is not whole) and withheld.
        kinds: metric_id -> 'proportion' or 'rate'; '' where a metric has no funnel.
        rules: metric_id and times: what a metric's ratio is multiplied by, null where its value is no ratio of its parts.

    Returns:
        Columns of `FUNNEL`; withheld is a code of reference/reasons.csv.
    """
    times, rows = dict(rules.select("metric_id", "times").iter_rows()), []
    for metric_id, kind in kinds.items():
        if kind:
            own = measures.filter(pl.col("metric_id") == metric_id).sort("provider_code")
            rows += [{"metric_id": metric_id, "kind": kind} | row for row in _places(own, kind, times[metric_id])]
    return pl.DataFrame(rows, schema=FUNNEL)


def _places(own: pl.DataFrame, kind: str, times: float | None) -> list[dict[str, object]]:
    """The rows of one metric, without metric_id and kind."""
    # Some of what was counted may be no count: the method refuses it, so it is left out by name here.
    not_counts = {
        code: "NOT_A_SHARE" if top > bottom else "NEGATIVE_COUNT"
        for code, top, bottom in own.select("provider_code", "numerator", "denominator").rows()
        if top is not None and bottom is not None and (top < 0 or (kind == "proportion" and top > bottom > 0))
    }
    used = own.filter(~pl.col("provider_code").is_in(list(not_counts)) & pl.col("value").is_not_null())
    found = funnel(used.select("provider_code", "numerator", "denominator"), kind, multiplier=times or 1.0)
    left_out = not_counts | why_no_value(own) | dict.fromkeys(found.left_out, "NO_DENOMINATOR")
    reason, points = None, found.points
    if times is None and used.height:
        reason, points = "NOT_MADE_OF_COUNTS", points.clear()
    elif found.reason:
        reason = "NO_EVENTS" if used["numerator"].sum() == 0 and used.height >= FEWEST else "TOO_FEW_FOR_FUNNEL"
    about = {"centre": found.target, "phi": found.phi, "tau2": found.tau2, "is_adjusted": found.is_adjusted}
    columns = ("provider_code", "z", *LIMITS, "position")
    placed = {row["provider_code"]: about | row for row in points.select(columns).to_dicts()} if points.height else {}
    return [
        placed.get(code, {"provider_code": code, "withheld": left_out.get(code, reason)})
        for code in own["provider_code"]
    ]


def funnel(
    trusts: pl.DataFrame,
    kind: str,
    *,
    multiplier: float = 1,
    trim: float = 0.1,
    adjust: bool = True,
    fewest: int = FEWEST,
) -> Funnel:
    """Funnel limits around what all trusts together have.

    Args:
        trusts: columns provider_code, numerator, denominator, one row a trust.
        kind: 'proportion' (a part of a whole; arcsine), 'rate' (events by exposure; square root, against the events
            expected at the overall rate), 'ratio' (observed over expected events; square root), or 'ratio_log' (the same
            by logarithm and trimming, as the NHS mortality indicator SHMI does it; counts above 0).
        multiplier: 100 for per cent, 1000 for per 1,000.
        trim: share winsorised (or trimmed) at each end before over-dispersion is measured.
        adjust: widen limits for over-dispersion where there is any.
        fewest: trusts needed.

    Raises:
        MethodError: for a missing column, a trust twice, an unknown kind, negative numbers, or a proportion above 1.
    """
    known, left_out = _usable(trusts, kind, trim)
    reason = None
    if known.height < fewest:
        reason = f"{known.height} trusts with a numerator and a denominator; a funnel needs {fewest}."
    elif known["numerator"].sum() == 0:
        reason = "No trust has any event, so there is nothing to compare."
    if reason:
        return Funnel(known.clear(), None, None, None, False, left_out, reason)

    top, bottom = known["numerator"].to_numpy(), known["denominator"].to_numpy()
    centre = 1.0 if kind.startswith("ratio") else top.sum() / bottom.sum()
    z, error = _scores(kind, top, bottom, centre)
    phi, tau2 = _dispersion(z, error, trim, trimmed=kind == "ratio_log")
    adjusted = adjust and phi > 1
    at = _limits(kind, bottom, centre, tau2 if adjusted else None)
    value = top / bottom
    position = np.full(len(value), "within", dtype=object)
    for name in PROBABILITY:
        position[value < at[f"lower_{name}"]] = f"below_{name}"
        position[value > at[f"upper_{name}"]] = f"above_{name}"
    points = known.with_columns(
        value=pl.Series(value * multiplier),
        z=pl.Series(z),
        **{name: pl.Series(at[name] * multiplier) for name in LIMITS},
        position=pl.Series(position.tolist(), dtype=pl.String),
    )
    return Funnel(points, float(centre * multiplier), phi, tau2, adjusted, left_out, None)


def _usable(trusts: pl.DataFrame, kind: str, trim: float) -> tuple[pl.DataFrame, dict[str, str]]:
    """The trusts with both parts, by code, and why each of the others is left out; refuses what a funnel cannot read."""
    require(trusts, "provider_code numerator denominator", "A funnel")
    once(trusts["provider_code"], "provider_code", "A funnel")
    if kind not in KINDS:
        raise MethodError(f"'{kind}' is no kind of funnel. Expected one of {', '.join(KINDS)}.")
    if not 0 < trim < 0.5:
        raise MethodError(f"A trim of {trim} was asked for. Expected a share above 0 and below 0.5, such as 0.1.")
    frame = trusts.select("provider_code", pl.col("numerator", "denominator").cast(pl.Float64).fill_nan(None))
    known = frame.drop_nulls().filter(pl.col("denominator") > 0).sort("provider_code")
    left_out = {
        code: "no numerator or no denominator" if None in (top, bottom) else "a denominator that is not above 0"
        for code, top, bottom in frame.join(known, on="provider_code", how="anti").sort("provider_code").iter_rows()
    }
    if known.filter(pl.col("numerator") < 0).height:
        raise MethodError("A funnel found a negative numerator. Expected counts of 0 or more; correct or leave it out.")
    if kind == "proportion" and known.filter(pl.col("numerator") > pl.col("denominator")).height:
        raise MethodError("A proportion is above 1. Expected a part of a whole; ask for a rate.")
    if kind == "ratio_log" and known.filter(pl.col("numerator") == 0).height:
        raise MethodError("A logarithm needs events: a trust has 0. Ask for a 'ratio' instead of 'ratio_log'.")
    return known, left_out


def _scores(kind: str, top: Numbers, bottom: Numbers, centre: float) -> tuple[Numbers, Numbers]:
    """Z of each trust on the scale where chance alone has a known error, and that error."""
    if kind == "proportion":
        error = 1 / (2 * np.sqrt(bottom))
        return (np.arcsin(np.sqrt(top / bottom)) - np.arcsin(np.sqrt(centre))) / error, error
    expected = bottom * centre
    if kind == "ratio_log":
        error = 1 / np.sqrt(expected)
        return np.log(top / expected) / error, error
    error = 1 / (2 * np.sqrt(expected))
    return (np.sqrt(top / expected) - 1) / error, error


def _dispersion(z: Numbers, error: Numbers, trim: float, trimmed: bool) -> tuple[float, float]:
    """Phi and tau2 (DerSimonian and Laird's estimate) once the ends are winsorised or trimmed."""
    if trimmed:
        groups = 1 / trim
        group = np.floor(pl.Series(z).rank("average").to_numpy() * groups / (len(z) + 1))
        inner = (group > 0) & (group < groups - 1)
        z, error = z[inner], error[inner]
    else:
        z = np.clip(z, *np.quantile(z, [trim, 1 - trim]))
    n, weight = len(z), error**-2.0
    if n == 0:
        return 0.0, 0.0
    phi = float((z**2).sum() / n)
    spare = weight.sum() - (weight**2).sum() / weight.sum()
    return phi, max(0.0, float((n * phi - (n - 1)) / spare)) if spare > 0 else 0.0


def _limits(kind: str, bottom: Numbers, centre: float, tau2: float | None) -> dict[str, Numbers]:
    """Limits of numerator / denominator at these denominators; tau2 None: chance alone."""
    found = {}
    expected = bottom * centre
    for name, probability in PROBABILITY.items():
        if kind == "proportion":
            reach = special.ndtri(probability) * np.sqrt(1 / (4 * bottom) + (tau2 or 0))
            angle = np.arcsin(np.sqrt(centre))
            ends = [np.sin(np.clip(angle + way * reach, 0, np.pi / 2)) ** 2 for way in (-1, 1)]
        elif tau2 is None:  # exact Poisson
            ends = [
                centre * special.chdtri(2 * expected, probability) / 2 / expected,
                centre * special.chdtri(2 * (expected + 1), 1 - probability) / 2 / expected,
            ]
        elif kind == "ratio_log":
            reach = special.ndtri(probability) * np.sqrt(1 / expected + tau2)
            ends = [centre * np.exp(-reach), centre * np.exp(reach)]
        else:
            # Back from the root: FunnelPlotR 0.6.0 leaves these on the root scale (its open issue 33).
            reach = special.ndtri(probability) * np.sqrt(1 / (4 * expected) + tau2)
            ends = [centre * np.clip(1 - reach, 0, None) ** 2, centre * (1 + reach) ** 2]
        found[f"lower_{name}"], found[f"upper_{name}"] = ends
    return found
