"""The rules that every collection has: unique keys, the right trust and period, and values that are not unusual."""

from functools import cache
from importlib import import_module

import polars as pl

from .. import catalogue, reference, schemas
from ..schemas.fields import HOLD, REJECT, US, WARN, About, FieldSpec, Rule, Schema, within
from .parse import Parsed


def structure(parsed: Parsed, schema: Schema, about: About) -> list[Rule]:
    """STR03 and STR04 for rows, and the period of rows: the same for every collection."""
    module = import_module(schemas.__name__ + "." + schema.collection)
    severity = getattr(module, "STRUCTURE", {})
    responsible = parsed.responsible
    key = pl.struct(_same_key(parsed, name, getattr(module, "SAME", {})) for name in schema.key)
    whole_key = pl.all_horizontal(pl.col(name).is_not_null() for name in schema.key)
    rules = [
        Rule(
            "STR03",
            severity.get("STR03", HOLD),
            responsible,
            (next((name for name in reversed(schema.key) if name in parsed.table.headings), schema.key[-1]),),
            ~(key.is_duplicated() & whole_key),
            "This row has the same key as another one: " + ", ".join(f"{n} {{{n}}}" for n in schema.key) + ". "
            "Expected one row a key, where capitals and blanks make no other key: remove or correct the repeated rows.",
        )
    ]
    if not catalogue.load(schema.collection).is_national:
        named = "period" if "period" in schema.fields else "financial_year"
        rules += [
            Rule(
                "STR04",
                severity.get("STR04", HOLD),
                responsible,
                ("ods_code",),
                pl.col("ods_code") == about.sender,
                f"The row is for {{ods_code}}, but the return is from {about.sender}. Expected {about.sender} in every row.",
            ),
            Rule(
                "VAL-PERIOD",
                REJECT,
                responsible,
                (named,),
                pl.col(named) == about.period,
                f"The row is about {{{named}}}, but the return is about {about.period}. Expected {about.period} in every row.",
            ),
        ]
    elif "ods_code" in schema.fields:
        known = [p.code for p in reference.load().providers]
        rules.append(
            Rule(
                "STR04",
                WARN,
                US,
                ("ods_code",),
                pl.col("ods_code").is_in(known) | (body_of(schema) != "provider"),
                "{ods_code} is not among the providers known here, so it has no sector and no peers. We must add it to the reference data.",
            )
        )
    return rules


def _same_key(parsed: Parsed, name: str, same: dict[str, pl.Expr]) -> pl.Expr:
    """A field of the key as it is compared: W01, w01 and "W 01" are one ward."""
    spec = parsed.schema.fields[name]
    if name in same:
        return same[name].alias(name)
    # Codes with a pattern are in one spelling already; most others are too, and need not be made so.
    kinds = parsed.kinds(name)
    if spec.kind != "text" or spec.pattern or kinds is None or not kinds.str.contains(r"[\sa-z]").any():
        return pl.col(name)
    return pl.col(name).str.to_uppercase().str.replace_all(r"\s", "")


def body_of(schema: Schema) -> pl.Expr:
    """Whether a row is about a provider or about another body; the schema says how it is told."""
    module = import_module(schemas.__name__ + "." + schema.collection)
    return getattr(module, "BODY", pl.lit("provider"))


@cache
def plausible(collection: str) -> list[Rule]:
    """VAL-UNUSUAL, for every field that has usual bounds."""
    fields = schemas.load(collection).fields.values()
    return [_unusual(spec) for spec in fields if spec.low is not None or spec.high is not None]


def _wrong(spec: FieldSpec) -> pl.Expr:
    """Whether a value is outside the bounds that a field must keep."""
    value, wrong = pl.col(spec.name), pl.lit(False)
    wrong = wrong if spec.gt is None else wrong | (value <= spec.gt)
    wrong = wrong if spec.ge is None else wrong | (value < spec.ge)
    return wrong if spec.le is None else wrong | (value > spec.le)


def _unusual(spec: FieldSpec) -> Rule:
    low = float("-inf") if spec.low is None else spec.low
    high = float("inf") if spec.high is None else spec.high
    usual = (
        f"up to {high:g}" if spec.low is None else f"{low:g} or more" if spec.high is None else f"{low:g} to {high:g}"
    )
    return Rule(
        "VAL-UNUSUAL",
        WARN,
        "trust",
        (spec.name,),
        within(pl.col(spec.name), low, high) | _wrong(spec),  # what is wrong is not called unusual as well
        f"{{{spec.name}}} is unusual for {spec.title[:1].lower() + spec.title[1:]}. Usual is {usual} {spec.unit or ''}".strip()
        + ": correct it, or confirm that it is right.",
        scope="cell",
    )
