"""Fields as schema modules declare them: what a cell is, its title, unit and bounds, and pandera's checks of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandera.polars as pa
import polars as pl

DTYPES: dict[str, type[pl.DataType]] = {
    "text": pl.String,
    "choice": pl.String,
    "whole": pl.Int64,
    "number": pl.Float64,
    "date": pl.Date,
    "yes_no": pl.Boolean,
}

ODS_CODE = r"^([A-Z0-9]{3}|[A-Z0-9]{5})$"
MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
FINANCIAL_YEAR = r"^\d{4}-\d{2}$"


@dataclass(frozen=True)
class FieldSpec:
    """One field of a schema, as parsing, templates and documents see it.

    Attributes:
        kind: one of `DTYPES`.
        ge, gt, le: bounds outside which a number is wrong.
        low, high: bounds outside which a number is unusual.
        role: what a text is: 'code', 'gtin', 'name' or 'free' (see `text`).
        gtin_if: (field, choice): the code is a barcode number in rows where that field has that choice.
    """

    name: str
    kind: str
    title: str
    required: bool
    unit: str | None = None
    options: tuple[str, ...] = ()
    pattern: str | None = None
    example: str | None = None
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    low: float | None = None
    high: float | None = None
    role: str = "free"
    gtin_if: tuple[str, str] | None = None

    @property
    def dtype(self) -> type[pl.DataType]:
        """The polars type of its values."""
        return DTYPES[self.kind]

    @property
    def name_in_words(self) -> str:
        """Its title as it stands within a sentence."""
        return self.title[:1].lower() + self.title[1:]

    def expected(self) -> str:
        """What a value must look like, in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.options)
        if self.kind == "date":
            return "a date such as 2025-06-30"
        if self.kind == "yes_no":
            return "yes or no"
        if self.kind == "text":
            return f"text such as {self.example}" if self.example else "text"
        noun = "a whole number" if self.kind == "whole" else "a number"
        named = ((self.gt, "above {:g}"), (self.ge, "of {:g} or more"), (self.le, "of {:g} or less"))
        bounds = [words.format(bound) for bound, words in named if bound is not None]
        unit = f" in {self.unit}" if self.unit else ""
        return " ".join([noun + unit, " and ".join(bounds)]).strip()

    @property
    def may_be_negative(self) -> bool:
        """Whether values below 0 are allowed."""
        return all(bound is None or bound < 0 for bound in (self.ge, self.gt))

    def out_of_range(self, value: pl.Expr | None = None) -> pl.Expr:
        """Whether a value (the field's own, if none is given) breaks the bounds that it must keep."""
        value, wrong = pl.col(self.name) if value is None else value, pl.lit(False)
        wrong = wrong if self.gt is None else wrong | (value <= self.gt)
        wrong = wrong if self.ge is None else wrong | (value < self.ge)
        return wrong if self.le is None else wrong | (value > self.le)


def text(
    title: str,
    *,
    required: bool = True,
    pattern: str | None = None,
    example: str | None = None,
    shortest: int = 0,
    longest: int = 500,
    role: str | None = None,
    gtin_if: tuple[str, str] | None = None,
) -> Any:
    """A text of `shortest` to `longest` characters.

    Args:
        pattern: a regular expression that the whole text must fit.
        example: a text that would do.
        role: 'code' for what names something and is never a number or a date; 'gtin' for a barcode number; 'name' for
            an organisation or person; 'free' for anything. A text with a pattern is a code if nothing is said.
        gtin_if: (field, choice): the code is a barcode number in rows where that field has that choice.
    """
    checks: dict[str, Any] = {"str_length": {"min_value": shortest, "max_value": longest}}
    if pattern:
        checks["str_matches"] = pattern
    role = role or ("code" if pattern else "free")
    return _field("text", title, required, checks, pattern=pattern, example=example, role=role, gtin_if=gtin_if)


def choice(title: str, options: Iterable[str], *, required: bool = True) -> Any:
    """One of a list of texts."""
    return _field("choice", title, required, {"isin": list(options)}, options=tuple(options))


def whole(title: str, unit: str, *, required: bool = True, **bounds: float) -> Any:
    """A whole number in `unit`; outside ge/gt/le it is wrong, outside low..high it is unusual (a warning)."""
    return _numeric("whole", title, unit, required, bounds)


def number(title: str, unit: str, *, required: bool = True, **bounds: float) -> Any:
    """A decimal number in `unit`; outside ge/gt/le it is wrong, outside low..high it is unusual (a warning)."""
    return _numeric("number", title, unit, required, bounds)


def date(title: str, *, required: bool = True) -> Any:
    """A date, YYYY-MM-DD unless the layout says otherwise."""
    return _field("date", title, required, {})


def yes_no(title: str, *, required: bool = True) -> Any:
    """Yes or no."""
    return _field("yes_no", title, required, {})


def _numeric(kind: str, title: str, unit: str, required: bool, bounds: dict[str, float]) -> Any:
    checks: dict[str, Any] = {name: bounds[name] for name in ("ge", "gt", "le") if name in bounds}
    return _field(kind, title, required, checks, unit=unit, **bounds)


def _field(kind: str, title: str, required: bool, checks: dict[str, Any], **about: Any) -> Any:
    """Pandera's own field; what parsing, templates and the data dictionary take from it travels in its metadata."""
    known = {"kind": kind, "title": title, "required": required} | {k: v for k, v in about.items() if v is not None}
    return pa.Field(nullable=not required, title=title, metadata=known, **checks)
