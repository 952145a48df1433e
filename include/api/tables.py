"""What can be asked for: each view of schema published whose rows have a key, as the database describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from ..sql import published
from ..sql.published import Column, View

# A view -> its name in addresses, where that is another one.
NAMES = {"engagement_timeline": "timeline"}
# Short names of columns that are asked for most.
SHORT = {"metric": "metric_id", "trust": "provider_code"}
# What since and until go by: the first of these that a table has.
DATED = (
    "period_start",
    "occurred_from",
    "period",
    "switched_at",
    "published_at",
    "legal_date",
    "planned_from",
    "since",
)
# Parameters that are no columns.
RESERVED = ("since", "until", "fields", "limit", "cursor", "format", "as_at")


@dataclass(frozen=True)
class Table:
    """A table of the API.

    Attributes:
        name: in addresses.
        view: what published says of it.
        as_at: the parameters of published.<view>_as_at in their order; empty where there is no such function.
        dated: the column that since and until go by; empty where there is none.
    """

    name: str
    view: View
    as_at: tuple[str, ...]
    dated: str

    @property
    def columns(self) -> dict[str, Column]:
        """Its columns by name, in order."""
        return {column.name: column for column in self.view.columns}

    @property
    def filters(self) -> dict[str, str]:
        """Parameters that choose rows by what a column holds, each with its column."""
        plain = {c.name: c.name for c in self.view.columns if c.type != "jsonb" and c.name not in RESERVED}
        return plain | {short: column for short, column in SHORT.items() if column in plain and short not in plain}

    def without_words(self) -> "Table":
        """The same without columns of free text, as the public sees it."""
        return replace(self, view=replace(self.view, columns=tuple(c for c in self.view.columns if not c.free_text)))


def read(connection: psycopg.Connection[Any]) -> dict[str, Table]:
    """Every table by name, in the order in which the views were made.

    Raises:
        Undescribed: a view, column or function has no comment.
    """
    as_at = {one.name: tuple(one.parameters) for one in published.functions(connection)}
    found = {}
    for view in published.views_by_name(connection).values():
        if view.key:
            name = NAMES.get(view.name, view.name)
            dated = next((column for column in DATED if column in {c.name for c in view.columns}), "")
            found[name] = Table(name, view, as_at.get(f"{view.name}_as_at", ()), dated)
    return found


def row_schema(table: Table) -> Mapping[str, Any]:
    """A row of a table as JSON Schema has it."""
    return {
        "type": "object",
        "description": table.view.words,
        "properties": {column.name: column_schema(column) for column in table.view.columns},
    }


def column_schema(column: Column) -> dict[str, Any]:
    """What a column may hold, as JSON Schema has it."""
    base, _, is_list = column.type.partition("[")
    simple: dict[str, dict[str, Any]] = {
        "integer": {"type": "integer"},
        "bigint": {"type": "integer"},
        "double precision": {"type": "number"},
        "boolean": {"type": "boolean"},
        "date": {"type": "string", "format": "date"},
        "timestamp with time zone": {"type": "string", "format": "date-time"},
        "jsonb": {},
    }
    schema = dict(simple.get(base, {"type": "string"}))
    if is_list:
        schema = {"type": "array", "items": schema}
    if not column.required and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if column.values:
        values = [int(value) for value in column.values] if base in ("integer", "bigint") else [*column.values]
        schema["enum"] = values + ([] if column.required else [None])
    words = f"{column.words} Unit: {column.unit}." if column.unit else column.words
    schema["description"] = f"{words} Only with a key." if column.free_text else words
    return schema
