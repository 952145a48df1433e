"""Tells what a trust's size costs it apart from what its way of working costs: cost against size on log scales.

Source: the project's domain brief, section 4, method 6 (a proposal of this project after the seeds' "the smaller you are, the
higher your costs"); the fits are statsmodels' OLS with HC3 standard errors (MacKinnon and White 1985) and RLM with Huber's
T (Huber 1981). Money in pounds of one year; size in pounds of income, or any other measure above 0.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
import statsmodels.api as sm
from trust_benchmarks.measures.methods import MethodError, once, require

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

    def expected(self, size):
        """Cost on the line at a size: the median scale, without smearing."""
        return np.exp(self.intercept + self.slope * np.log(size))


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
        _effects(*row, float(at), share, share if peers is None else peers.get(row[0], ()))
        for row, at in zip(known.iter_rows(), expected, strict=True)
    ]
    return SizeCost(len(size), ols, huber, pl.DataFrame(rows, schema=EFFECTS), left_out, None)


def _refusal(size, fewest):
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


def _lines(x, y):
    design = sm.add_constant(x)
    plain = sm.OLS(y, design).fit()
    ols = plain.get_robustcov_results(cov_type="HC3", use_t=True)
    lower, upper = ols.conf_int(0.05)[1]
    line = Line("ols", *_stated(ols.params[0], ols.params[1], lower, upper, ols.rsquared))
    if np.median(np.abs(plain.resid)) < 1e-10:
        # Half of the trusts lie on the line: nothing is left for Huber to weigh by.
        return line, Line("huber", line.intercept, line.slope, line.slope_lower, line.slope_upper, None)
    fit = sm.RLM(y, design, M=sm.robust.norms.HuberT()).fit(maxiter=1000, tol=1e-12, conv="coefs")
    lower, upper = fit.conf_int(0.05)[1]
    return line, Line("huber", *_stated(fit.params[0], fit.params[1], lower, upper), None)


def _stated(*numbers) -> list[float]:
    """Numbers to twelve digits: linear algebra differs in the last ones between processes, and the same inputs must give the same figures."""
    return [float(f"{number:.12g}") for number in numbers]


def _effects(code, size, cost, expected, share, peers):
    others = [share[peer] for peer in sorted(set(peers)) if peer != code and peer in share]
    row = {
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
