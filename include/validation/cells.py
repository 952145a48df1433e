"""Whole columns of text to typed values at once, and which texts must be looked at one by one."""

from typing import Any

import polars as pl

from ..reading import periods
from ..schemas.fields import DTYPES, FINANCIAL_YEAR, MONTH, FieldSpec
from . import spreadsheet_damage
from .spelling import BLANKS, ODD

YES_NO = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}


def casts(specs: dict[str, FieldSpec], date_formats: dict[str, str]) -> list[pl.Expr]:
    """Values of fields as far as they can be told at once; null where the text is none or a number has blanks around it."""

    def of(*kinds: str) -> list[str]:
        return [name for name, spec in specs.items() if spec.kind in kinds]

    def stripped(name: str) -> pl.Expr:
        return pl.col(name).str.strip_chars(BLANKS)

    # One expression for all columns of a kind: to make one a column takes longer than the work on a small table.
    return [
        pl.col(of("text", "choice")),
        pl.col(of("whole")).cast(DTYPES["whole"], strict=False),
        pl.col(of("number")).cast(DTYPES["number"], strict=False),
        *(stripped(name).str.to_date(date_formats.get(name, periods.ISO), strict=False) for name in of("date")),
        *(
            stripped(name).str.to_lowercase().replace_strict(YES_NO, default=None, return_dtype=DTYPES["yes_no"])
            for name in of("yes_no")
        ),
    ]


def one_row(frame: pl.DataFrame, *facts: pl.Expr) -> dict[str, Any]:
    """One fact a column, by its name."""
    found = frame.select(facts)
    return found.row(0, named=True) if found.height else {}


def as_numbers(spec: FieldSpec, text: pl.Series) -> pl.Series:
    """Numbers of a field from texts without blanks around them; 12.0 is a whole number, infinity is none."""
    dtype = DTYPES[spec.kind]
    typed, decimal = text.cast(dtype, strict=False), text.cast(pl.Float64, strict=False)
    if spec.kind == "whole":
        whole = (decimal == decimal.floor()) & (decimal.abs() < 2**53)
        return typed.zip_with(typed.is_not_null() | ~whole.fill_null(False), decimal.cast(dtype, strict=False))
    return typed.set(~typed.is_finite().fill_null(True), None)


def is_odd(spec: FieldSpec, text: pl.Expr) -> pl.Expr:
    """Which texts of a column are looked at closer: blank, odd, damaged or on no list."""
    if spec.kind == "choice":
        return ~text.is_in(list(spec.options))
    unlike = (text == "") | text.str.contains(f"{ODD}|{spreadsheet_damage.SUSPECT[spec.role]}")
    if spec.pattern:
        unlike = unlike | ~text.str.contains(spec.pattern)
    if spec.gtin_if:
        unlike = unlike | text.str.contains(r"\s")
    if spec.role == "gtin":
        unlike = unlike | ~text.str.contains(r"^\d+$")
    return unlike


def frequency_of(spec: FieldSpec) -> str | None:
    """What a period in this field is, None where it holds none."""
    return {MONTH: periods.MONTH, FINANCIAL_YEAR: periods.YEAR}.get(spec.pattern or "")
