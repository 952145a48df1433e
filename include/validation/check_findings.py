"""A check that failed as findings: one a row, each with the sentence that says what was found and what would pass."""

import re

import pandera.polars as pa
import polars as pl

from ..reading import findings
from ..schemas.fields import FieldSpec
from ..schemas.rules import REJECT, Rule
from .parse import Parsed

# pandera's names for the checks that fields declare -> our rule and the sentence ("{}" is the text as sent)
SAYS = {
    "greater_than_or_equal_to": ("VAL-RANGE", "{} is out of range."),
    "greater_than": ("VAL-RANGE", "{} is out of range."),
    "less_than_or_equal_to": ("VAL-RANGE", "{} is out of range."),
    "isin": ("VAL-LIST", "'{}' is not on the list."),
    "str_matches": ("VAL-FORM", "'{}' has the wrong form."),
    "str_length": ("VAL-FORM", "'{}' is too short or too long."),
}


def finding(parsed: Parsed, rules: dict[str, Rule], error: pa.errors.SchemaError) -> pl.DataFrame:
    """One pandera failure as findings, with the raw text of each failing row."""
    if not isinstance(error.check_output, pl.DataFrame):
        # A check that could not run would otherwise pass in silence.
        raise RuntimeError(f"The rules of {parsed.schema.collection} could not be checked: {error}") from error
    passed = error.check_output.to_series().fill_null(True)
    rule = rules.get(error.check.name)
    if rule is None:
        rule_id, says = SAYS[error.check.name]
        spec = parsed.schema.fields[error.column_name or error.schema.name]
        expected = (
            says
            + f" Expected {_form(spec) if rule_id == 'VAL-FORM' else spec.expected()} as {spec.title[:1].lower() + spec.title[1:]}."
        )
        return parsed.at(rule_id, REJECT, "cell", spec.name, ~passed, says=expected)
    if rule.scope == "submission":
        values = (
            parsed.frame.select(**{k: _shown(v) for k, v in rule.values.items()}).row(0, named=True)
            if rule.values
            else {}
        )
        return findings.one(
            rule.id,
            rule.says.format(**values),
            severity=rule.severity,
            responsible=rule.responsible or parsed.responsible,
            sheet=parsed.table.sheet,
        )
    failed = ~passed
    messages = _messages(parsed, rule, failed)
    frame = parsed.at(rule.id, rule.severity, rule.scope, rule.fields[0], failed, messages=messages)
    return frame.with_columns(responsible=pl.lit(rule.responsible or parsed.responsible))


def _form(spec: FieldSpec) -> str:
    return f"something like '{spec.example}'" if spec.example else spec.expected()


def _shown(value: pl.Expr) -> pl.Expr:
    return value.cast(pl.String).str.replace(r"\.0$", "").fill_null("(nothing)")


def _messages(parsed: Parsed, rule: Rule, failed: pl.Series) -> pl.Series:
    """The rule's sentence for each failing row, with texts as sent and computed values."""
    sent = [
        pl.col(name).fill_null("").str.strip_chars().str.slice(0, 80).replace("", "(blank)").alias(name)
        for name in parsed.raw.columns
        if f"{{{name}}}" in rule.says
    ]
    constant = [n for n in parsed.schema.fields if f"{{{n}}}" in rule.says and n not in parsed.raw.columns]
    typed = {name: _shown(value) for name, value in rule.values.items()} | {n: _shown(pl.col(n)) for n in constant}
    shown = parsed.raw.filter(failed).select(sent)
    values = parsed.frame.select(**typed).filter(failed) if typed else pl.DataFrame()
    frame = (
        pl.concat([part for part in (shown, values) if part.width], how="horizontal")
        if shown.width or values.width
        else None
    )
    if frame is None:
        return pl.Series([rule.says] * int(failed.sum()), dtype=pl.String)
    parts = [part for part in re.split(r"(\{\w+\})", rule.says) if part]
    pieces = [pl.col(part[1:-1]) if part[1:-1] in frame.columns else pl.lit(part) for part in parts]
    return frame.select(pl.concat_str(pieces).alias("message")).to_series()
