"""The rules that every collection has: one row a key, and rows about the trust and period that the return is about."""

import polars as pl

from .. import catalogue, reference
from ..reading import findings
from ..schemas.models import Schema
from ..schemas.rules import HOLD, REJECT, US, WARN, About, Rule, one_row_a_key
from .parse import Parsed


def of_rows(parsed: Parsed, schema: Schema, about: About) -> list[Rule]:
    """STR03 and STR04 for rows, and the period of rows: the same for every collection."""
    # Most texts have no capitals or blanks that make a difference, and need not be compared without them.
    different = ((name, parsed.kinds(name)) for name in schema.key)
    tidy = [name for name, texts in different if texts is None or not texts.str.contains(r"[\sa-z]").any()]
    at = next((name for name in reversed(schema.key) if name in parsed.table.headings), schema.key[-1])
    severity = schema.severities.get("STR03", HOLD)
    rules = [one_row_a_key(schema.key, schema.fields, schema.compared, severity, at=at, tidy=tidy)]
    if not catalogue.load(schema.collection).is_national:
        named = "period" if "period" in schema.fields else "financial_year"
        rules += [
            Rule(
                "STR04",
                schema.severities.get("STR04", HOLD),
                ("ods_code",),
                pl.col("ods_code") == about.sender,
                f"The row is for {{ods_code}}, but the return is from {about.sender}. Expected {about.sender} in every row.",
            ),
            Rule(
                "VAL-PERIOD",
                REJECT,
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
                ("ods_code",),
                pl.col("ods_code").is_in(known) | (schema.body != "provider"),
                "{ods_code} is not in our list of providers, so it has no sector and no peers. We must add it to the reference data.",
                responsible=US,
            )
        )
    return rules


def absent_choices(parsed: Parsed, schema: Schema) -> list[pl.DataFrame]:
    """STR05: every choice of the completing field is present."""
    if not schema.complete:
        return []
    spec = schema.fields[schema.complete]
    present = set(parsed.frame[spec.name].drop_nulls())
    missing = [option for option in spec.options if option not in present]
    if not missing:
        return []
    says = (
        f"{len(missing)} of {len(spec.options)} rows are missing: {', '.join(missing)}. "
        f"Expected one row for every {spec.title.lower()}, with zeros where there is nobody. Partial returns are held, not merged."
    )
    return [
        findings.one(
            "STR05",
            says,
            responsible=parsed.responsible,
            sheet=parsed.table.sheet,
            column_name=parsed.table.headings.get(spec.name),
        )
    ]
