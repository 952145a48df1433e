"""Whole columns in another unit than the field's: thousands of pounds, pounds for pence, a year for a month.

What is usual is data, units.toml in the collection's folder; nothing is compared with other submissions here.

    [[usual]]
    column = "substantive_pay_gbp"     # where the finding stands, and what must be corrected
    what = "pay per FTE and month"     # in words
    unit = "GBP"
    value = "..."                      # SQL over the fields of a row; the median over rows with a value is looked at
    usual = [900, 16000]               # outside of it the column is listed (UNIT-SUSPECT, warn)
    rows = 3                           # at least so many rows with a value, or nothing is said; default 5
    parts = ["site"]                   # only in these parts of the collection; default all
    [[usual.shift]]                    # ways to go wrong: the median times the factor would be usual
    times = 1000
    looks = "thousands of pounds"
    hold = true                        # beyond doubt: the return is held; default true

Bounds are wide on purpose: the extremes of all real and sample files, and a factor of about three beyond them on each side, where
a shift still falls outside. Tried on every real file (tests/validation/test_units.py).
"""

from dataclasses import dataclass
from functools import cache

import polars as pl

from .. import catalogue
from ..reading import findings
from ..schemas.rules import HOLD, WARN
from .parse import Parsed


@dataclass(frozen=True)
class Shift:
    """A way in which a column goes wrong: its median times the factor would be usual."""

    times: float
    looks: str
    hold: bool = True


@dataclass(frozen=True)
class Usual:
    """What the median of a value over a column's rows usually is (see the head of this module)."""

    column: str
    what: str
    unit: str
    value: str
    usual: tuple[float, float]
    rows: int = 5
    parts: tuple[str, ...] = ()
    shift: tuple[Shift, ...] = ()

    def fits(self, median: float) -> bool:
        """Whether a median is usual."""
        return self.usual[0] <= median <= self.usual[1]


@cache
def load(collection: str) -> tuple[Usual, ...]:
    """The checks of a collection."""
    declared = catalogue.entries(collection, "units.toml").get("usual", [])
    return tuple(
        Usual(**{**one, "usual": tuple(one["usual"]), "parts": tuple(one.get("parts", ())), "shift": tuple(Shift(**s) for s in one.get("shift", ()))})
        for one in declared
    )  # fmt: skip


@cache
def _expressions(collection: str) -> tuple[pl.Expr, ...]:
    values = [pl.sql_expr(one.value).cast(pl.Float64) for one in load(collection)]
    values = [pl.when(value.is_finite()).then(value) for value in values]
    return tuple(value.median().alias(f"median {i}") for i, value in enumerate(values)) + tuple(
        value.count().alias(f"rows {i}") for i, value in enumerate(values)
    )


def suspects(parsed: Parsed, collection: str, part: str) -> list[pl.DataFrame]:
    """UNIT-SUSPECT: columns whose median is far from what is usual; held where a change of unit makes it usual."""
    checks = load(collection)
    if not checks or not parsed.frame.height:
        return []
    seen = parsed.frame.select(_expressions(collection)).row(0, named=True)
    found = []
    for i, one in enumerate(checks):
        median, rows = seen[f"median {i}"], seen[f"rows {i}"]
        asked = one.column in parsed.table.headings and (not one.parts or part in one.parts)
        if asked and rows >= one.rows and median and not one.fits(median):  # nought is nought in every unit
            found.append(_finding(parsed, one, median, rows))
    return found


def _finding(parsed: Parsed, one: Usual, median: float, rows: int) -> pl.DataFrame:
    shift = next((s for s in one.shift if one.fits(median * s.times)), None)
    heading = parsed.table.headings[one.column]
    low, high = (f"{bound:,.15g}" for bound in one.usual)
    over = f"the median over {rows:,} rows" if rows > 1 else "one row"
    what = f"{one.what[:1].upper()}{one.what[1:]} is {median:,.4g} {one.unit} ({over}). Usual is {low} to {high}."
    looks = f" '{heading}' looks like {shift.looks}." if shift else ""
    return findings.one(
        "UNIT-SUSPECT",
        f"{what}{looks} Expected '{heading}' in {parsed.schema.fields[one.column].unit or one.unit}: correct the column, or confirm that it is right.",
        severity=HOLD if shift and shift.hold else WARN,
        responsible=parsed.responsible,
        sheet=parsed.table.sheet,
        column_name=heading,
    )
