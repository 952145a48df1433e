"""What the views of schema published and intake hold, as the database describes itself, for dictionary, contract and exports."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from . import FOLDER, text

# PostgreSQL's name of a type -> information_schema's, and its kind in the data contract and in a data package.
TYPES = {
    "text": ("text", "string", "string"),
    "integer": ("integer", "integer", "integer"),
    "bigint": ("bigint", "integer", "integer"),
    "double precision": ("double precision", "number", "number"),
    "boolean": ("boolean", "boolean", "boolean"),
    "date": ("date", "date", "date"),
    "timestamp with time zone": ("timestamp with time zone", "timestamp", "datetime"),
    "jsonb": ("jsonb", "object", "object"),
    "bigint[]": ("ARRAY", "array", "array"),
    "text[]": ("ARRAY", "array", "array"),
}


class Undescribed(Exception):
    """A view, column or function without a comment, or facts about one that does not exist; the message says what to do."""


class Described(NamedTuple):
    """One column of a view of schema published or intake, as pg_catalog has it; `about` is the view's own comment."""

    schema: str
    view: str
    about: str
    column: str
    type: str
    words: str


@dataclass(frozen=True)
class Column:
    """One column of a view.

    Attributes:
        type: PostgreSQL's name of it: a key of `TYPES`.
        required: never NULL.
        words: what it holds, in a sentence.
        unit: of its values; empty where it has none.
        values: the only ones it may hold; empty where anything may stand.
        key: its place in the view's key, from 1; 0 where it is no part of it.
        refers: "view.column" that its values are found in; empty where there is none.
        free_text: people's own words, which the API gives to holders of a key only.
    """

    name: str
    type: str
    required: bool
    words: str
    unit: str
    values: tuple[str, ...]
    key: int
    refers: str
    free_text: bool = False


@dataclass(frozen=True)
class View:
    """One view of schema published.

    Attributes:
        rows: a rule about how many there are, in the contract's words ({} if there is none).
        commercial: only members of the role published_commercial find rows in it.
        is_exported: whether exports hold it; its rows are each of one release.
    """

    name: str
    words: str
    columns: tuple[Column, ...]
    rows: Mapping[str, int]
    commercial: bool = False
    is_exported: bool = False

    @property
    def key(self) -> list[str]:
        """The columns that together name a row; empty where nothing does."""
        return [column.name for column in sorted(self.columns, key=lambda c: c.key) if column.key]


def version() -> str:
    """The version of the data contract."""
    return str(_facts()["version"])


def refreshed() -> str:
    """When figures are refreshed at the latest, as cron says it, in Europe/London."""
    return str(_facts()["refreshed"])


def described(connection: psycopg.Connection[Any]) -> list[Described]:
    """Every column of the views of schemas published and intake, views in the order in which they were made.

    Raises:
        Undescribed: a view or column has no comment.
    """
    with connection.cursor(row_factory=class_row(Described)) as cursor:
        found = cursor.execute(text("describe/columns")).fetchall()
    if lacking := [f"{one.schema}.{one.view}" for one in found if not one.about]:
        raise Undescribed(f"Views without a comment: {', '.join(dict.fromkeys(lacking))}. Add COMMENT ON VIEW.")
    if lacking := [f"{one.schema}.{one.view}.{one.column}" for one in found if not one.words]:
        raise Undescribed(f"Columns without a comment: {', '.join(lacking)}. Add COMMENT ON COLUMN.")
    return found


def views_by_name(connection: psycopg.Connection[Any]) -> dict[str, View]:
    """Every view of schema published by its name.

    Raises:
        Undescribed: a view or column has no comment, or published.toml names one that does not exist.
    """
    found: dict[str, list[Described]] = {}
    for one in described(connection):
        if one.schema == "published":
            found.setdefault(one.view, []).append(one)
    facts = {name: fact for name, fact in _facts().items() if isinstance(fact, dict)}
    common = {name: facts.pop(name) for name in ("units", "values", "refers")}
    if strange := sorted(set(facts) - set(found)):
        raise Undescribed(f"include/sql/published.toml describes views that do not exist: {', '.join(strange)}.")
    return {name: _view(name, columns, facts.get(name, {}), common) for name, columns in found.items()}


class Function(NamedTuple):
    """A function of schema published: its name, its parameters in order, the two as somebody writes them, and what it answers."""

    name: str
    parameters: list[str]
    called: str
    words: str


def functions(connection: psycopg.Connection[Any]) -> list[Function]:
    """The functions of schema published, in the order in which they were made.

    Raises:
        Undescribed: a function has no comment.
    """
    found = [Function(*row) for row in connection.execute(text("describe/functions"))]
    if lacking := [one.name for one in found if not one.words]:
        raise Undescribed(f"Functions without a comment: {', '.join(lacking)}. Add COMMENT ON FUNCTION.")
    return found


def _view(name: str, found: list[Described], facts: dict[str, Any], common: dict[str, dict[str, Any]]) -> View:
    key, required = facts.get("key", []), facts.get("required", [])
    values, units, free_text = facts.get("values", {}), facts.get("units", {}), facts.get("free_text", [])
    if strange := sorted({*key, *required, *values, *units, *free_text} - {one.column for one in found}):
        raise Undescribed(f"include/sql/published.toml, [{name}]: no such column: {', '.join(strange)}.")
    if strange := sorted({one.type for one in found} - set(TYPES)):
        raise Undescribed(f"published.{name} has columns of a type that exports do not know: {', '.join(strange)}.")
    columns = []
    for one in found:
        refers = common["refers"].get(one.column, "")
        columns.append(
            Column(
                name=one.column,
                type=one.type,
                required=one.column in key or one.column in required,
                words=one.words,
                unit=units.get(one.column) or _unit(one.column, common["units"]),
                values=tuple(values.get(one.column, common["values"].get(one.column, ()))),
                key=key.index(one.column) + 1 if one.column in key else 0,
                refers=refers if refers.split(".")[0] != name else "",
                free_text=one.column in free_text,
            )
        )
    flags = facts.get("commercial", False), facts.get("exported", False)
    return View(name, found[0].about, tuple(columns), facts.get("rows", {}), *flags)


def _unit(column: str, units: dict[str, str]) -> str:
    ending = re.search(r"_(gbp|pence)$", column)
    return units.get(column) or ({"gbp": "GBP", "pence": "pence"}[ending[1]] if ending else "")


@cache
def _facts() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "published.toml").read_text(encoding="utf-8"))
