"""What a valid finance and oversight return is: one row of one trust, year to date, with its finance score and segment."""

import polars as pl

from .fields import MONTH, ODS_CODE, number, text, whole
from .models import Model
from .rules import About, Rule, warn

KEY = ("ods_code", "period")
COMPLETE = None

# Versions of the Single Oversight Framework's thresholds, newest last: the period from which each holds and, a metric,
# the bounds of scores 1, 2 and 3 and whether a value on a bound has the better score. Beyond the third it is 4.
# General knowledge of the framework of September 2016 (domain brief, 3.8); to be confirmed with its text.
# include/sql/measures/finance_oversight.sql holds the same table; a test compares the two.
THRESHOLDS = {
    "sof-2016-09": (
        "2016-10",
        {
            "capital_service": ("more", (2.5, False), (1.75, True), (1.25, True)),
            "liquidity": ("more", (0, False), (-7, True), (-14, True)),
            "margin": ("more", (1, False), (0, True), (-1, False)),
            "distance": ("more", (0, True), (-1, True), (-2, False)),
            "agency": ("less", (0, True), (25, True), (50, True)),
        },
    ),
}


class Row(Model):
    """One trust from April to the end of one month."""

    ods_code: str = text("Trust, by ODS code", pattern=ODS_CODE, example="RY8")
    period: str = text("Month that the return is about", pattern=MONTH, example="2025-06")
    income_ytd_gbp: pl.Float64 = number("Income, year to date", "GBP", gt=0)
    surplus_ytd_gbp: pl.Float64 = number("Adjusted surplus (deficit negative), year to date", "GBP")
    plan_income_ytd_gbp: pl.Float64 = number("Planned income, year to date", "GBP", gt=0)
    plan_surplus_ytd_gbp: pl.Float64 = number("Planned surplus (deficit negative), year to date", "GBP")
    capital_service_capacity: pl.Float64 = number("Capital service capacity", "times", low=-10, high=50)
    liquidity_days: pl.Float64 = number("Liquidity", "days", low=-60, high=120)
    agency_spend_ytd_gbp: pl.Float64 = number("Agency spend, year to date", "GBP", ge=0)
    agency_ceiling_ytd_gbp: pl.Float64 = number("Agency ceiling, year to date", "GBP", gt=0)
    cip_plan_ytd_gbp: pl.Float64 = number("Planned cost improvement, year to date", "GBP", ge=0)
    cip_actual_ytd_gbp: pl.Float64 = number("Cost improvement achieved, year to date", "GBP", ge=0)
    finance_score: pl.Int64 = whole("Finance score as the trust works it out", "1-4", required=False, ge=1, le=4)
    sof_segment: pl.Int64 = whole("Oversight segment as assigned", "1-4", ge=1, le=4)


def version_for(period: str) -> str:
    """The version of the thresholds that holds in a period (the first one, before any holds)."""
    return max(
        (v for v in THRESHOLDS if THRESHOLDS[v][0] <= period), default=min(THRESHOLDS), key=lambda v: THRESHOLDS[v][0]
    )


def components(period: str) -> dict[str, pl.Expr]:
    """The five component scores, by metric."""
    c = pl.col
    margin = 100 * c("surplus_ytd_gbp") / c("income_ytd_gbp")
    values = {
        "capital_service": c("capital_service_capacity"),
        "liquidity": c("liquidity_days"),
        "margin": margin,
        "distance": margin - 100 * c("plan_surplus_ytd_gbp") / c("plan_income_ytd_gbp"),
        "agency": 100 * (c("agency_spend_ytd_gbp") - c("agency_ceiling_ytd_gbp")) / c("agency_ceiling_ytd_gbp"),
    }
    bounds = THRESHOLDS[version_for(period)][1]
    return {name: _score(value.round(9), *bounds[name]) for name, value in values.items()}


def _score(value: pl.Expr, better: str, *bounds: tuple[float, bool]) -> pl.Expr:
    score = pl.lit(4)
    for points, (bound, included) in reversed(list(enumerate(bounds, 1))):
        passes = (value > bound if better == "more" else value < bound) | ((value == bound) & pl.lit(included))
        score = pl.when(passes).then(points).otherwise(score)
    return pl.when(value.is_not_null()).then(score)


def score(period: str) -> pl.Expr:
    """The finance score: the mean of the five, rounded; 3 at best where any of them is 4."""
    parts = list(components(period).values())
    mean = pl.sum_horizontal(parts, ignore_nulls=False) / len(parts)
    capped = (
        pl.when(pl.max_horizontal(parts) == 4)
        .then(pl.max_horizontal(mean.round(), pl.lit(3.0)))
        .otherwise(mean.round())
    )
    return capped.cast(pl.Int64)


def rules() -> list[Rule]:
    """The rules between fields: what was found, what is expected, and what to do."""
    c = pl.col
    return [
        # The bound of the domain's usual range: a trust's margin beyond it is most often a figure in thousands.
        warn(
            "FN-R4",
            ("surplus_ytd_gbp", "income_ytd_gbp"),
            (c("surplus_ytd_gbp").abs() <= 0.2 * c("income_ytd_gbp"))
            & (c("plan_surplus_ytd_gbp").abs() <= 0.2 * c("plan_income_ytd_gbp")),
            "A surplus or deficit of {surplus_ytd_gbp} on an income of {income_ytd_gbp} (plan {plan_surplus_ytd_gbp} on {plan_income_ytd_gbp}) is unusual. "
            "Expected at most 20 percent: check that all four are in whole pounds, or confirm.",
        ),
    ]


def rules_about(about: About) -> list[Rule]:
    """The rules that compare a row with the period that its file is about."""
    return [
        # A warning: FN06 is worked out from the figures, never taken from the trust's own score.
        warn(
            "FN-R3",
            ("finance_score",),
            pl.col("finance_score").is_null() | (pl.col("finance_score") == score(about.period)),
            "finance_score {finance_score} does not follow from the figures, which make {found}: capital service {capital_service}, liquidity "
            f"{{liquidity}}, margin {{margin}}, distance from plan {{distance}}, agency {{agency}} (thresholds {version_for(about.period)}). "
            "Expected the mean of the five, rounded, and at best 3 where one is 4: correct the score or the figures.",
            values={"found": score(about.period), **components(about.period)},
        ),
    ]
