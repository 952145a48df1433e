"""A collection's fields and rules as pandera models, which refuse by themselves what a return must not contain."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from .fields import FieldSpec
from .rules import HOLD, INFO, WARN, About, Rule, one_row_a_key, unusual

PROVIDER = pl.lit("provider")


class Model(pa.DataFrameModel):
    """The rows of one return; the base of each collection's ``Row``.

    Beside the fields' own checks (type, `not_nullable`, `isin`, `str_matches`, bounds), the model has the rules of its module as
    checks named by their ids (STR03, WF-R1, ...), each at the column where its finding stands. A rule that only warns is a warning
    of pandera's. Rules that compare rows with the period of a file are not in it (see `Schema.rules`).
    """

    @classmethod
    def build_schema_(cls, **options: Any) -> pa.DataFrameSchema:
        """Pandera's schema of the fields, with the rules between them."""
        frame = super().build_schema_(**options)
        for rule in row_rules(sys.modules[cls.__module__], specs_of(frame)):
            if rule.severity != INFO:
                frame.columns[rule.fields[0]].checks.append(as_check(rule))
        return frame


@dataclass(frozen=True)
class Schema:
    """What a valid submission of one collection is.

    Attributes:
        key: the fields that name a row once in a submission.
        complete: a field whose every choice must be present, or None.
        body: 'provider' or 'other' for each row: whether it is about a provider that is measured.
        severities: of the rules that all collections have, where another than 'hold'.
        compared: how fields of the key are compared, where not by their text without capitals and blanks.
        own_rules: the rules between fields that need nothing but the rows.
        rules_about: those that compare a row with what its submission is about.
        row_rules: all rules that need nothing but the rows: STR03, VAL-UNUSUAL and its own.
    """

    collection: str
    description: str
    model: type[Model]
    fields: dict[str, FieldSpec]
    key: tuple[str, ...]
    complete: str | None
    body: pl.Expr
    own_rules: list[Rule]
    row_rules: list[Rule]
    rules_about: Callable[[About], list[Rule]]
    severities: dict[str, str] = field(default_factory=dict)
    compared: dict[str, pl.Expr] = field(default_factory=dict)

    def rules(self, about: About) -> list[Rule]:
        """The collection's own rules between fields."""
        return self.own_rules + self.rules_about(about)

    @property
    def dtypes(self) -> dict[str, type[pl.DataType]]:
        """The polars type of each field."""
        return {name: spec.dtype for name, spec in self.fields.items()}

    def usual(self) -> list[Rule]:
        """VAL-UNUSUAL, for every field that has usual bounds."""
        return usual(self.fields)

    def polars(self) -> pa.DataFrameSchema:
        """The model for polars frames, whose columns have the fields' types already (see `dtypes`)."""
        return self.model.to_schema()

    def pandas(self) -> Any:
        """The model for pandas frames, as a ``pandera.pandas.DataFrameSchema``; columns are converted to the fields' types."""
        from .pandas_model import of  # noqa: PLC0415  pandas is for analysts: production uses polars only

        return of(self)


class Cell(NamedTuple):
    """A cell that a model refuses: the check by its name, and the value as text, None where there is none.

    `column` or `row` is None where a check is about no one cell, such as a column that is not there.
    """

    check: str
    column: str | None
    row: int | None
    value: str | None


def failing_cells(errors: Any) -> list[Cell]:
    """The cells that a ``SchemaErrors`` of pandera lists, of polars or of pandas, by column, row and check."""
    cases = errors.failure_cases
    rows = cases.to_dicts() if isinstance(cases, pl.DataFrame) else cases.astype(object).to_dict("records")
    cells = [
        Cell(row["check"], row["column"], _none(row["index"], int), _none(row["failure_case"], str)) for row in rows
    ]
    return sorted(cells, key=lambda cell: (cell.column or "", -1 if cell.row is None else cell.row, cell.check))


def _none(value: Any, kind: Callable[[Any], Any]) -> Any:
    """A value of a failure case; pandas has nan, NaT and NA for none."""
    return None if value is None or value != value or str(value) in ("<NA>", "NaT") else kind(value)


def specs_of(frame: pa.DataFrameSchema) -> dict[str, FieldSpec]:
    """The fields that a model declares."""
    return {name: FieldSpec(name=name, **column.metadata) for name, column in frame.columns.items()}


def usual(specs: dict[str, FieldSpec]) -> list[Rule]:
    """VAL-UNUSUAL, for every field that has usual bounds."""
    return [unusual(spec) for spec in specs.values() if spec.low is not None or spec.high is not None]


def row_rules(module: Any, specs: dict[str, FieldSpec]) -> list[Rule]:
    """All rules of a schema module that need nothing but the rows."""
    severity = getattr(module, "SEVERITIES", {}).get("STR03", HOLD)
    key: Rule = one_row_a_key(module.KEY, specs, getattr(module, "COMPARED", {}), severity)
    own: list[Rule] = module.rules()
    return [key, *usual(specs), *own]


def as_check(rule: Rule) -> pa.Check:
    """A rule as a check of the column at which its finding stands."""

    def holds(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(rule.by_row())

    return pa.Check(holds, name=rule.id, error=rule.id, raise_warning=rule.severity == WARN)
