"""The words that schemas are written in: kinds of field, rules, and what a rule may know about a submission.

A schema module holds:

* ``Row``: a pandera (polars) model, one attribute a field, made with the helpers below. The helpers put title, unit,
  kind and plausible range into the field's metadata, from which parsing, templates and the data dictionary follow;
* ``KEY``: the fields that name a row once in a submission;
* ``COMPLETE``: a field whose every choice must be present (or None);
* ``rules(about)``: the rules between fields, as `Rule` objects.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import pandera.polars as pa
import polars as pl

HOLD, REJECT, WARN, INFO = "hold", "reject", "warn", "info"
TRUST, PUBLISHER, US = "trust", "publisher", "us"

DTYPES = {
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


def _field(kind: str, title: str, required: bool, meta: dict, **checks):
    meta = {"kind": kind, "title": title, "required": required, **{k: v for k, v in meta.items() if v is not None}}
    # Blanks are found while parsing, with the text as sent, so that no cell is reported twice: pandera lets nulls by.
    # Findings are made from the checks' whole output, so pandera need not list what failed.
    return pa.Field(nullable=True, title=title, metadata=meta, n_failure_cases=1, **checks)


def text(
    title, *, required=True, pattern=None, example=None, shortest=None, longest=500, unit=None, role=None, gtin_if=None
):
    """A text; `pattern` is a regular expression that the whole text must fit, `example` one that does.

    Args:
        role: 'code' for what names something and is never a number or a date; 'gtin' for a barcode number; 'name' for
            an organisation or person; 'free' for anything. A text with a pattern is a code if nothing is said.
        gtin_if: (field, choice): the code is a barcode number in rows where that field has that choice.
    """
    role = role or ("code" if pattern else "free")
    checks = {"str_length": {"min_value": shortest or 0, "max_value": longest}}
    if pattern:
        checks["str_matches"] = pattern
    meta = {"pattern": pattern, "example": example, "unit": unit, "role": role, "gtin_if": gtin_if}
    return _field("text", title, required, meta, **checks)


def choice(title, options, *, required=True):
    """One of a list of texts."""
    return _field("choice", title, required, {"options": tuple(options)}, isin=list(options))


def whole(title, unit, *, required=True, ge=None, gt=None, le=None, low=None, high=None):
    """A whole number in `unit`; outside ge/gt/le it is wrong, outside low..high it is unusual (a warning)."""
    return _numeric("whole", title, unit, required, ge, gt, le, low, high)


def number(title, unit, *, required=True, ge=None, gt=None, le=None, low=None, high=None):
    """A decimal number in `unit`; outside ge/gt/le it is wrong, outside low..high it is unusual (a warning)."""
    return _numeric("number", title, unit, required, ge, gt, le, low, high)


def _numeric(kind, title, unit, required, ge, gt, le, low, high):
    checks = {name: value for name, value in (("ge", ge), ("gt", gt), ("le", le)) if value is not None}
    bounds = {"ge": ge, "gt": gt, "le": le, "low": low, "high": high}
    return _field(kind, title, required, {"unit": unit, **bounds}, **checks)


def date(title, *, required=True):
    """A date, YYYY-MM-DD unless the layout says otherwise."""
    return _field("date", title, required, {})


def yes_no(title, *, required=True):
    """Yes or no."""
    return _field("yes_no", title, required, {})


@dataclass(frozen=True)
class About:
    """What a rule may know about the submission it looks at."""

    collection: str
    period: str
    sender: str
    part: str
    period_start: dt.date
    period_end: dt.date

    @property
    def days(self) -> int:
        """Calendar days in the period."""
        return (self.period_end - self.period_start).days + 1


@dataclass(frozen=True)
class Rule:
    """A rule between fields: what must hold, how bad it is if not, who must act, and the sentence that is sent.

    Attributes:
        check: a polars expression over the parsed fields (and ``line``); null passes. With scope ``submission`` it
            must give one value for the whole submission.
        fields: the fields it speaks of; the finding stands at the first.
        says: the sentence, with ``{field}`` for the text as sent and ``{name}`` for entries of `values`.
        values: expressions for computed values named in `says`.
    """

    id: str
    severity: str
    responsible: str
    fields: tuple[str, ...]
    check: pl.Expr
    says: str
    scope: str = "row"
    values: dict[str, pl.Expr] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class FieldSpec:
    """One field of a schema, as parsing, templates and documents see it."""

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
    def dtype(self):
        """The polars type of its values."""
        return DTYPES[self.kind]

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
        bounds = []
        if self.gt is not None:
            bounds.append(f"above {self.gt:g}")
        if self.ge is not None:
            bounds.append(f"of {self.ge:g} or more")
        if self.le is not None:
            bounds.append(f"of {self.le:g} or less")
        unit = f" in {self.unit}" if self.unit else ""
        return " ".join([noun + unit, " and ".join(bounds)]).strip()

    @property
    def may_be_negative(self) -> bool:
        """Whether values below 0 are allowed."""
        return all(bound is None or bound < 0 for bound in (self.ge, self.gt))


@dataclass(frozen=True)
class Schema:
    """What a valid submission of one collection is."""

    collection: str
    description: str
    model: type[pa.DataFrameModel]
    fields: dict[str, FieldSpec]
    key: tuple[str, ...]
    complete: str | None
    rules: Callable[[About], list[Rule]]


def within(expr: pl.Expr, low: float, high: float) -> pl.Expr:
    """Whether a value lies between two bounds, both included."""
    return (expr >= low) & (expr <= high)
