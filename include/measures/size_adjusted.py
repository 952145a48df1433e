"""Tells what a trust's size costs it apart from what its way of working costs: cost against size on log scales.

Source: the project's domain brief, section 4, method 6 (a proposal of this project after the seeds' "the smaller you are, the
higher your costs"); the fits are statsmodels' OLS with HC3 standard errors (MacKinnon and White 1985) and RLM with Huber's
T (Huber 1981). Money in pounds of one year; size in pounds of income, or any other measure above 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl
from trust_benchmarks.measures.input_tables import Types
from trust_benchmarks.measures.methods import MethodError, once, require, why_no_value

FEWEST = 10  # trusts, for a line
FEWEST_PEERS = 5  # for a median
LEAST_SPREAD = 1.5  # the largest trust over the smallest: below, the slope is guesswork
EFFECTS = {
    "provider_code": pl.String,
    "size": pl.Float64,
    "cost": pl.Float64,
    "expected_cost": pl.Float64,
    "ratio": pl.Float64,
    "opportunity": pl.Float64,
    "peers": pl.Int64,
    "peer_median_share": pl.Float64,
    "variance": pl.Float64,
    "scale_effect": pl.Float64,
    "efficiency_effect": pl.Float64,
    "reason": pl.String,
}

MONEY = ("cost", "expected_cost", "opportunity", "variance", "scale_effect", "efficiency_effect")

# A row a provider and metric: core.size_cost.
SIZE_COST: Types = {"metric_id": pl.String, "provider_code": pl.String, "size": pl.Float64}
SIZE_COST |= {f"{name}_gbp": pl.Float64 for name in MONEY} | {"ratio": pl.Float64, "peer_median_share": pl.Float64}
SIZE_COST |= {"peers": pl.Int64, "trusts": pl.Int64} | dict.fromkeys(
    ("slope", "slope_lower", "slope_upper"), pl.Float64
)
SIZE_COST |= dict.fromkeys(("r2", "robust_slope", "robust_slope_lower", "robust_slope_upper"), pl.Float64)
SIZE_COST |= {"withheld": pl.String}


@dataclass(frozen=True)
class Line:
    """ln(cost) = intercept + slope x ln(size): how cost grows with size.

    Attributes:
        intercept, slope: a slope of 1 is cost in step with size, below 1 is dearer when smaller.
        slope_lower, slope_upper: 95% interval (HC3 and t for 'ols'; the fit's asymptotic normal for 'huber').
        r2: share of the variance of ln(cost) that the line explains; for 'ols' only.
    """

    fit: str
    intercept: float
    slope: float
    slope_lower: float
    slope_upper: float
    r2: float | None

    def expected(self, size: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Cost on the line at a size: the median scale, without smearing."""
        on_the_line: npt.NDArray[np.float64] = np.exp(self.intercept + self.slope * np.log(size))
        return on_the_line


@dataclass(frozen=True)
class SizeCost:
    """One year's fit.

    Attributes:
        n: trusts in it.
        ols, huber: the two lines, None when withheld; `expected_cost` is on the one asked for.
        effects: one row a trust, columns of `EFFECTS`. variance (cost - peer median share x size) = scale_effect
            (expected - peer median share x size) + efficiency_effect (cost - expected); ratio = cost / expected;
            opportunity = what cost is above expected, never below 0. `reason` says why a row has no peer median.
        left_out: trusts not in it, with why.
        reason: why there are no figures, or None.
    """

    n: int
    ols: Line | None
    huber: Line | None
    effects: pl.DataFrame
    left_out: dict[str, str]
    reason: str | None


def table(measures: pl.DataFrame, metrics: list[str]) -> pl.DataFrame:
    """Every provider's cost adjusted for size, for each metric that has one, or why it has none.

    Args:
        measures: metric_id, provider_code, numerator (a cost), denominator (a size), value (each null where a figure is not
            whole) and withheld.
        metrics: those of which a cost is adjusted for size.

    Returns:
        Columns of `SIZE_COST`; withheld is a code of reference/reasons.csv.
    """
    rows = []
    for metric_id in metrics:
        own = measures.filter(pl.col("metric_id") == metric_id).sort("provider_code")
        rows += [{"metric_id": metric_id} | row for row in _costs(own)]
    return pl.DataFrame(rows, schema=SIZE_COST)


def _costs(own: pl.DataFrame) -> list[dict[str, object]]:
    """The rows of one metric, without metric_id."""
    found = adjust(own.select("provider_code", size="denominator", cost="numerator"))
    about: dict[str, object] = {"trusts": found.n}
    if found.ols and found.huber:
        line, robust = found.ols, found.huber
        about |= {"slope": line.slope, "slope_lower": line.slope_lower, "slope_upper": line.slope_upper, "r2": line.r2}
        about |= {"robust_slope": robust.slope}
        about |= {"robust_slope_lower": robust.slope_lower, "robust_slope_upper": robust.slope_upper}
    effects = {row["provider_code"]: row for row in found.effects.to_dicts()}
    left_out = dict.fromkeys(found.left_out, "NO_SIZE_OR_COST") | why_no_value(own)
    rows = []
    for code in own["provider_code"]:
        row = {"provider_code": code} | about
        if effect := effects.get(code):
            row |= {f"{name}_gbp": effect[name] for name in MONEY}
            row |= {name: effect[name] for name in ("size", "ratio", "peers", "peer_median_share")}
            row["withheld"] = "TOO_FEW_PEERS_FOR_SPLIT" if effect["reason"] else None
        else:
            row["withheld"] = left_out.get(code, "TOO_FEW_FOR_LINE")
        rows.append(row)
    return rows


def expected_by_size(db: duckdb.DuckDBPyConnection) -> None:
    """Gives SQL a function of that name, from lists of sizes and of costs to the list of costs expected at these sizes.

    By Huber's line, and NULL where there is no line. Sizes and costs are above 0.
    """
    db.create_function("expected_by_size", _expected, ["DOUBLE[]", "DOUBLE[]"], "DOUBLE[]")


def _expected(sizes: list[float], costs: list[float]) -> list[float | None]:
    names = [f"{place:06d}" for place in range(len(sizes))]
    found = adjust(pl.DataFrame({"provider_code": names, "size": sizes, "cost": costs}))
    expected = dict(found.effects.select("provider_code", "expected_cost").iter_rows())
    return [expected.get(name) for name in names]


def adjust(
    trusts: pl.DataFrame, *, by: str = "huber", peers: dict[str, list[str]] | None = None, fewest: int = FEWEST
) -> SizeCost:
    """Cost adjusted for size.

    Args:
        trusts: columns provider_code, size, cost, one row a trust; accepted returns of one year.
        by: the line expected cost is read from: 'huber' (resists outliers) or 'ols'.
        peers: for each trust the codes it is compared with; all others when None. A trust is never its own peer.
        fewest: trusts needed for a line.

    Raises:
        MethodError: for a missing column, a trust twice, or another fit.
    """
    require(trusts, "provider_code size cost", "Cost adjusted for size")
    once(trusts["provider_code"], "provider_code", "Cost adjusted for size")
    if by not in ("ols", "huber"):
        raise MethodError(f"'{by}' is no fit. Expected huber or ols.")
    frame = trusts.select("provider_code", pl.col("size", "cost").cast(pl.Float64).fill_nan(None))
    known = frame.filter((pl.col("size") > 0) & (pl.col("cost") > 0)).sort("provider_code")
    left_out = {
        code: "no size or no cost" if None in (size, cost) else "a size or cost that is not above 0 has no logarithm"
        for code, size, cost in frame.join(known, on="provider_code", how="anti").sort("provider_code").iter_rows()
    }
    size, cost = known["size"].to_numpy(), known["cost"].to_numpy()
    reason = _refusal(size, fewest)
    if reason:
        return SizeCost(len(size), None, None, pl.DataFrame(schema=EFFECTS), left_out, reason)
    ols, huber = _lines(np.log(size), np.log(cost))
    expected = {"ols": ols, "huber": huber}[by].expected(size)
    share = dict(zip(known["provider_code"], cost / size, strict=True))
    rows = [
        _effects(code, own, spent, float(at), share, share if peers is None else peers.get(code, ()))
        for (code, own, spent), at in zip(known.iter_rows(), expected, strict=True)
    ]
    return SizeCost(len(size), ols, huber, pl.DataFrame(rows, schema=EFFECTS), left_out, None)


def _refusal(size: npt.NDArray[np.float64], fewest: int) -> str | None:
    if len(size) < fewest:
        return f"{len(size)} trusts with a size and a cost; a line needs {fewest}."
    ordered = np.sort(size)
    if ordered[-1] < LEAST_SPREAD * ordered[0]:
        return (
            f"The largest trust is {ordered[-1] / ordered[0]:.2f} times the smallest; sizes must differ "
            f"{LEAST_SPREAD} times before a line says what size costs."
        )
    for name, others in (("largest", ordered[:-1]), ("smallest", ordered[1:])):
        if others[-1] < LEAST_SPREAD * others[0]:
            return (
                f"Without the {name} trust the others' sizes differ {others[-1] / others[0]:.2f} times; they must differ "
                f"{LEAST_SPREAD} times, or one trust sets the line."
            )
    return None


def _lines(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[Line, Line]:
    """Ordinary least squares, and Huber's robust fit."""
    # Takes a second to load, and most figures need no line.
    import statsmodels.api as sm  # noqa: PLC0415

    design = sm.add_constant(x)
    plain = sm.OLS(y, design).fit()
    ols = plain.get_robustcov_results(cov_type="HC3", use_t=True)
    lower, upper = ols.conf_int(0.05)[1]
    line = _line("ols", ols.params, lower, upper, ols.rsquared)
    if np.median(np.abs(plain.resid)) < 1e-10:
        # Half of the trusts lie on the line: nothing is left for Huber to weigh by.
        return line, Line("huber", line.intercept, line.slope, line.slope_lower, line.slope_upper, None)
    fit = sm.RLM(y, design, M=sm.robust.norms.HuberT()).fit(maxiter=1000, tol=1e-12, conv="coefs")
    lower, upper = fit.conf_int(0.05)[1]
    return line, _line("huber", fit.params, lower, upper, None)


def _line(fit: str, params: Sequence[float], lower: float, upper: float, r2: float | None) -> Line:
    """Numbers to twelve digits: linear algebra differs in the last ones between processes, and the same inputs must give the same figures."""
    intercept, slope, lower, upper = (float(f"{number:.12g}") for number in (*params, lower, upper))
    return Line(fit, intercept, slope, lower, upper, None if r2 is None else float(f"{r2:.12g}"))


def _effects(
    code: str, size: float, cost: float, expected: float, share: dict[str, float], peers: Iterable[str]
) -> dict[str, object]:
    """A row of `EFFECTS`."""
    others = [share[peer] for peer in sorted(set(peers)) if peer != code and peer in share]
    row: dict[str, object] = {
        "provider_code": code,
        "size": size,
        "cost": cost,
        "expected_cost": expected,
        "ratio": cost / expected,
        "opportunity": max(0.0, cost - expected),
        "peers": len(others),
    }
    if len(others) < FEWEST_PEERS:
        return row | {"reason": f"{len(others)} peers with a size and a cost; a median needs {FEWEST_PEERS}."}
    median = float(np.median(others))
    return row | {
        "peer_median_share": median,
        "variance": cost - median * size,
        "scale_effect": expected - median * size,
        "efficiency_effect": cost - expected,
    }
