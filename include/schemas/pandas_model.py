"""The pandas form of a collection's model, made from the polars one: the same fields, checks and rules."""

from typing import Any

import pandas as pd
import pandera.pandas as pa
import polars as pl
from pandera.backends.pandas.container import DataFrameSchemaBackend
from pandera.engines.pandas_engine import Date

from .models import Schema
from .rules import INFO, WARN, Rule

DTYPES: dict[str, Any] = {
    "text": "str",
    "choice": "str",
    "whole": "Int64",
    "number": "Float64",
    "date": Date(),
    "yes_no": "boolean",
}


class FrameSchema(pa.DataFrameSchema):
    """pandera's schema, which lists of a rule only the cell where its finding stands, as polars does, not the whole row."""

    def __init__(self, columns: dict[str, pa.Column], rules: list[Rule], schema: Schema) -> None:
        self.rules = rules
        super().__init__(columns, checks=[_as_check(rule, schema) for rule in rules], coerce=True)

    def validate(self, check_obj: pd.DataFrame, *args: Any, **options: Any) -> pd.DataFrame:
        """As ``pandera.pandas.DataFrameSchema.validate``."""
        try:
            return super().validate(check_obj, *args, **options)
        except pa.errors.SchemaErrors as errors:
            errors.failure_cases = self._at_one_cell(errors)
            raise

    def _at_one_cell(self, errors: pa.errors.SchemaErrors) -> pd.DataFrame:
        cases: pd.DataFrame = errors.failure_cases
        broken = [one for one in errors.schema_errors if one.schema is self and isinstance(one.check_output, pd.Series)]
        numbers = [one.check_index for one in broken]
        parts = [cases[(cases["schema_context"] != type(self).__name__) | ~cases["check_number"].isin(numbers)]]
        for one in broken:
            at = self.rules[one.check_index].fields[0]
            failed = errors.data.loc[~one.check_output, at].astype(object)
            about = {"schema_context": type(self).__name__, "column": at, "check": one.check.name}
            parts.append(
                pd.DataFrame({**about, "check_number": one.check_index, "failure_case": failed, "index": failed.index})
            )
        return pd.concat(parts, ignore_index=True)


FrameSchema.register_backend(pd.DataFrame, DataFrameSchemaBackend)  # pandera knows its own class only


def of(schema: Schema) -> FrameSchema:
    """The pandas model of a schema."""
    built_in = pa.Check.CHECK_FUNCTION_REGISTRY
    columns = {
        name: pa.Column(
            DTYPES[schema.fields[name].kind],
            checks=[check for check in column.checks if check.name in built_in],
            nullable=column.nullable,
            title=column.title,
        )
        for name, column in schema.polars().columns.items()
    }
    return FrameSchema(columns, [rule for rule in schema.row_rules if rule.severity != INFO], schema)


def _as_check(rule: Rule, schema: Schema) -> pa.Check:
    """A rule, worked out by polars over the columns of a pandas frame."""

    def holds(frame: pd.DataFrame) -> "pd.Series[bool]":
        typed = pl.from_pandas(frame[list(schema.fields)].reset_index(drop=True))
        typed = typed.select(pl.col(name).cast(spec.dtype) for name, spec in schema.fields.items())
        passes = typed.select(rule.by_row()).to_series().fill_null(True)
        return pd.Series(passes.to_list(), frame.index, bool)

    return pa.Check(holds, name=rule.id, error=rule.id, raise_warning=rule.severity == WARN)
