"""Rules between the fields of a row, and those that every collection has: one row a key, and values that are not unusual."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field

import polars as pl

from .fields import FieldSpec

HOLD, REJECT, WARN, INFO = "hold", "reject", "warn", "info"
TRUST, PUBLISHER, US = "trust", "publisher", "us"


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
    """A rule between fields: how bad it is when broken, what must hold, and the sentence that is sent.

    Attributes:
        fields: the fields it speaks of; the finding stands at the first.
        check: a polars expression over the typed fields of one return; null passes. With scope ``submission`` it gives
            one value for the whole return.
        says: the sentence, with ``{field}`` for the text as sent and ``{name}`` for entries of `values`.
        scope: 'cell', 'row' or 'submission'.
        values: expressions for computed values named in `says`.
        responsible: who must act; empty: whoever sent the return.
    """

    id: str
    severity: str
    fields: tuple[str, ...]
    check: pl.Expr
    says: str
    scope: str = "row"
    values: dict[str, pl.Expr] = field(default_factory=dict, hash=False)
    responsible: str = ""

    def by_row(self) -> pl.Expr:
        """Whether it holds, one value a row; what is wrong with a whole return stands at its first row."""
        passes = self.check if self.scope != "submission" else self.check | (pl.int_range(pl.len()) > 0)
        return passes.alias("passes")


def reject(
    rule_id: str,
    fields: tuple[str, ...],
    check: pl.Expr,
    says: str,
    *,
    scope: str = "row",
    values: dict[str, pl.Expr] | None = None,
) -> Rule:
    """A rule that rejects a row (arguments as of `Rule`)."""
    return Rule(rule_id, REJECT, fields, check, says, scope, values or {})


def warn(
    rule_id: str,
    fields: tuple[str, ...],
    check: pl.Expr,
    says: str,
    *,
    scope: str = "row",
    values: dict[str, pl.Expr] | None = None,
) -> Rule:
    """A rule that lists a row and keeps it (arguments as of `Rule`)."""
    return Rule(rule_id, WARN, fields, check, says, scope, values or {})


def within(expr: pl.Expr, low: float | dt.date, high: float | dt.date) -> pl.Expr:
    """Whether a value lies between two bounds, both included."""
    return (expr >= low) & (expr <= high)


def part_of(rule_id: str, part: str, full: str) -> Rule:
    """A rejecting rule: field `part` is no more than field `full`."""
    says = f"{part} {{{part}}} is more than {full} {{{full}}}. A part cannot exceed its whole: correct one of the two."
    return reject(rule_id, (part, full), pl.col(part) <= pl.col(full), says)


def provider_where(condition: pl.Expr) -> pl.Expr:
    """'provider' in the rows where the condition holds, 'other' elsewhere."""
    return pl.when(condition.fill_null(False)).then(pl.lit("provider")).otherwise(pl.lit("other"))


def unusual(spec: FieldSpec) -> Rule:
    """VAL-UNUSUAL: a value outside the usual bounds of its field, and within those that it must keep."""
    low = float("-inf") if spec.low is None else spec.low
    high = float("inf") if spec.high is None else spec.high
    usual = (
        f"up to {high:g}" if spec.low is None else f"{low:g} or more" if spec.high is None else f"{low:g} to {high:g}"
    )
    value = pl.col(spec.name)
    says = (
        f"{{{spec.name}}} is unusual for {spec.title[:1].lower() + spec.title[1:]}. Usual is {usual} {spec.unit or ''}"
    )
    says = says.strip() + ": correct it, or confirm that it is right."
    return warn("VAL-UNUSUAL", (spec.name,), within(value, low, high) | spec.out_of_range(), says, scope="cell")


def one_row_a_key(
    key: tuple[str, ...],
    specs: dict[str, FieldSpec],
    compared: dict[str, pl.Expr],
    severity: str,
    *,
    at: str = "",
    tidy: Collection[str] = (),
) -> Rule:
    """STR03: no two rows have the same key, where W01, w01 and "W 01" are one ward; a key with an empty field is none.

    Args:
        compared: how a field of the key is compared, where that is not by its text without capitals and blanks.
        at: the field at which the finding stands; the last of the key if empty.
        tidy: fields that are known to hold no capitals and blanks that would make a difference.
    """

    def same(name: str) -> pl.Expr:
        if name in compared:
            return compared[name].alias(name)
        if specs[name].kind != "text" or specs[name].pattern or name in tidy:
            return pl.col(name)
        return pl.col(name).str.to_uppercase().str.replace_all(r"\s", "")

    whole = pl.all_horizontal(pl.col(name).is_not_null() for name in key)
    return Rule(
        "STR03",
        severity,
        (at or key[-1],),
        ~(pl.struct(same(name) for name in key).is_duplicated() & whole),
        "This row has the same key as another one: " + ", ".join(f"{n} {{{n}}}" for n in key) + ". "
        "Expected one row for each key, whatever capitals and blanks it has: remove or correct the repeated rows.",
    )
