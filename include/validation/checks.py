"""Typed values checked by pandera: the collection's model, its rules, and those of every collection."""

import copy
from functools import cache
from typing import cast

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData
from pandera.backends.polars import builtin_checks

from .. import schemas
from ..schemas.models import Schema
from ..schemas.rules import About, Rule
from . import common_rules, units
from .check_findings import SAYS, finding
from .parse import Parsed

FEW = 500  # rows that are worth no plan: each call takes longer than the work on them


def check(parsed: Parsed, schema: Schema, about: About) -> list[pl.DataFrame]:
    """What is wrong with the rows of a table, one frame a rule broken.

    Args:
        parsed: a table with typed values; its own findings are not repeated.
    """
    rules = common_rules.of_rows(parsed, schema, about) + _usual(schema.collection) + schema.rules(about)
    by_name = {f"{rule.id}|{i}": rule for i, rule in enumerate(rules)}
    columns, names = _broken(parsed.frame, schema.collection, by_name)
    found: list[pl.DataFrame] = []
    if columns or names:
        checks = [_as_check(name, by_name[name]) for name in names]
        try:
            pa.DataFrameSchema(columns, checks=checks, strict=False, coerce=False).validate(parsed.frame, lazy=True)
        except pa.errors.SchemaErrors as errors:
            found = [finding(parsed, by_name, error) for error in errors.schema_errors]
    return found + common_rules.absent_choices(parsed, schema) + units.suspects(parsed, schema.collection, about.part)


def _broken(frame: pl.DataFrame, collection: str, by_name: dict[str, Rule]) -> tuple[dict[str, pa.Column], list[str]]:
    """The pandera columns and the rules that do not hold for the whole frame; the rest has no fault to list.

    pandera takes a millisecond a check however few the rows. So it is given all of them as one check first, which most
    returns pass, and then only those that did not hold, to list the rows.
    """
    columns, fields = columns_of(collection), schemas.load(collection).fields
    holds: dict[str, bool] = {}

    def all_hold(data: PolarsData) -> bool:
        types = data.lazyframe.collect_schema()
        checks = _column_checks(collection) | {name: rule.check for name, rule in by_name.items()}
        # Nulls pass, as in pandera. In two steps, or polars would compute parts that checks share once for each.
        named = [check.alias(name) for name, check in checks.items()]
        # A small frame is done before a plan for it is made.
        source = data.lazyframe if frame.height > FEW else frame
        found = source.select(named).select(pl.all().all()).lazy().collect()
        holds.update(found.row(0, named=True))
        holds.update((name, False) for name, spec in fields.items() if types.get(name) != spec.dtype)
        return all(holds.values())

    if not frame.height:
        return columns, list(by_name)  # a rule about the whole submission has no row here to be found wanting in
    try:
        pa.DataFrameSchema(checks=[pa.Check(all_hold)]).validate(frame, lazy=True)
        return {}, []
    except pa.errors.SchemaErrors:
        # Where a check could not be run, nothing is known to hold: pandera looks at every one and says which it is.
        broken = {name for name in (*columns, *by_name) if not holds.get(name, bool(holds))}
        return {n: c for n, c in columns.items() if n in broken}, [name for name in by_name if name in broken]


@cache
def _usual(collection: str) -> list[Rule]:
    return schemas.load(collection).usual()


@cache
def columns_of(collection: str) -> dict[str, pa.Column]:
    """The model's columns with its built-in checks alone: rules have their sentences, blanks are found while parsing."""
    columns = copy.deepcopy(schemas.load(collection).model.to_schema().columns)
    for column in columns.values():
        column.nullable, column.checks = True, [check for check in column.checks if check.name in SAYS]
        for check in column.checks:  # findings are made from the whole output: pandera need not list what failed
            check.n_failure_cases = 1
    return columns


@cache
def _column_checks(collection: str) -> dict[str, pl.Expr]:
    """What pandera checks in each column, as one expression a column."""
    return {
        name: pl.all_horizontal(_expression(name, check) for check in column.checks)
        for name, column in columns_of(collection).items()
        if column.checks
    }


class _Asked:
    """Stands in for a frame and gives back what a check of pandera's selects from it."""

    def select(self, expression: pl.Expr) -> pl.Expr:
        return expression


def _expression(name: str, check: pa.Check) -> pl.Expr:
    """A built-in check of pandera's as a polars expression."""
    data = PolarsData(cast(pl.LazyFrame, _Asked()), name)
    expression: pl.Expr = getattr(builtin_checks, str(check.name))(data, **(check.statistics or {}))
    return expression


def _as_check(name: str, rule: Rule) -> pa.Check:
    # The expression is bound as a default, or every check would use the last rule's.
    # One failure case is enough: findings are made from the whole output, and pandera's own list takes three times as
    # long as everything else when a file is wrong throughout.
    return pa.Check(
        lambda data, check=rule.check: data.lazyframe.select(check.alias("passes")),
        name=name,
        error=rule.id,
        n_failure_cases=1,
    )
