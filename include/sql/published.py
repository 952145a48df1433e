"""What each view of schema published holds: columns with type, unit, key and words, for the data contract and the exports."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache

from . import FOLDER, views


class Undescribed(Exception):
    """A view, column or function without words, or words for one that is no more; the message says which and what to do."""


# As the migrations write a type -> as information_schema names it, and its kind in the data contract and in a data package.
TYPES = {
    "text": ("text", "string", "string"),
    "int": ("integer", "integer", "integer"),
    "bigint": ("bigint", "integer", "integer"),
    "double precision": ("double precision", "number", "number"),
    "boolean": ("boolean", "boolean", "boolean"),
    "date": ("date", "date", "date"),
    "timestamptz": ("timestamp with time zone", "timestamp", "datetime"),
    "jsonb": ("jsonb", "object", "object"),
    "bigint[]": ("ARRAY", "array", "array"),
    "text[]": ("ARRAY", "array", "array"),
}


@dataclass(frozen=True)
class Column:
    """One column of a view.

    Attributes:
        type: as the migrations write it: a key of `TYPES`.
        required: never NULL.
        words: what it holds, in a sentence.
        unit: of its values; empty where it has none.
        values: the only ones it may hold; empty where anything may stand.
        key: its place in the view's key, from 1; 0 where it is no part of it.
        refers: "view.column" that its values are found in; empty where there is none.
    """

    name: str
    type: str
    required: bool
    words: str
    unit: str
    values: tuple[str, ...]
    key: int
    refers: str


@dataclass(frozen=True)
class View:
    """One view of schema published.

    Attributes:
        rows: a rule about how many there are, in the contract's words ({} if there is none).
        commercial: only members of the role published_commercial find rows in it.
        is_exported: whether exports hold it; one that follows from other exported views need not be there.
    """

    name: str
    words: str
    columns: tuple[Column, ...]
    rows: dict
    commercial: bool = False
    is_exported: bool = True

    @property
    def key(self) -> list[str]:
        """The columns that together name a row; empty where nothing does."""
        return [column.name for column in sorted(self.columns, key=lambda c: c.key) if column.key]


def version() -> str:
    """The version of the data contract."""
    return _facts()["version"]


def refreshed() -> str:
    """When figures are refreshed at the latest, as cron says it, in Europe/London."""
    return _facts()["refreshed"]


def views_by_name() -> dict[str, View]:
    """Every view of schema published by its name.

    Raises:
        Undescribed: a view or column that is not described, or a description of one that is no more.
    """
    typed = {name.split(".")[1]: columns for name, columns in views.typed().items() if name.startswith("published.")}
    facts = {name: fact for name, fact in _facts().items() if isinstance(fact, dict)}
    common = {name: facts.pop(name) for name in ("units", "values", "refers")}
    if strange := sorted(set(facts) - set(typed)):
        raise Undescribed(f"include/sql/published.toml describes what is no view: {', '.join(strange)}. Remove it.")
    return {name: _view(name, columns, facts.get(name, {}), common) for name, columns in typed.items()}


def functions() -> dict[str, str]:
    """The functions of schema published with their parameters, and what each answers."""
    words, found = views.words()["functions"], views.functions()
    if strange := sorted(set(words) - set(found)):
        raise Undescribed(
            f"include/sql/views.toml, [functions] has words for no function: {', '.join(strange)}. Remove them."
        )
    return {f"{name}({found[name]})": words.get(name) or _usual_words(name) for name in found}


def _usual_words(name: str) -> str:
    view = name.removesuffix("_as_at")
    if view == name:
        raise Undescribed(
            f"The function published.{name} is not described: add it to include/sql/views.toml, [functions]."
        )
    return f"The rows of published.{view} as they were at a moment."


def _view(name: str, typed: dict, facts: dict, common: dict) -> View:
    words, shared = views.words()[f"published.{name}"], views.words()["columns"]
    named = {*facts.get("types", {}), *facts.get("key", []), *facts.get("required", []), *facts.get("values", {})}
    if strange := sorted((named | set(facts.get("units", {}))) - set(typed)):
        raise Undescribed(f"include/sql/published.toml, [{name}]: no such column: {', '.join(strange)}. Remove it.")
    made = []
    for column, (inferred, required) in typed.items():
        kind = facts.get("types", {}).get(column, inferred)
        if kind not in TYPES:
            raise Undescribed(
                f"include/sql/published.toml, [{name}]: the type of {column} does not follow from the migrations "
                f"(found: {kind}). Add it to [{name}.types], as one of: {', '.join(TYPES)}."
            )
        key = facts.get("key", [])
        refers = common["refers"].get(column, "")
        made.append(
            Column(
                name=column,
                type=kind,
                required=required or column in key or column in facts.get("required", []),
                words=words.get(column, shared.get(column, "")),
                unit=facts.get("units", {}).get(column) or _unit(column, common["units"]),
                values=tuple(facts.get("values", {}).get(column, common["values"].get(column, ()))),
                key=key.index(column) + 1 if column in key else 0,
                refers=refers if refers.split(".")[0] != name else "",
            )
        )
    flags = facts.get("commercial", False), facts.get("exported", True)
    return View(name, words["about"], tuple(made), facts.get("rows", {}), *flags)


def _unit(column: str, units: dict[str, str]) -> str:
    ending = re.search(r"_(gbp|pence)$", column)
    return units.get(column) or ({"gbp": "GBP", "pence": "pence"}[ending[1]] if ending else "")


@cache
def _facts() -> dict:
    return tomllib.loads((FOLDER / "published.toml").read_text(encoding="utf-8"))
