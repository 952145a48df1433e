"""Writes the SQL of a version of the published views: a schema that keeps exactly the columns that are promised now.

`python -m trust_benchmarks.sql.versions 2` prints it, out of the warehouse that TB_WAREHOUSE_URL names, for the migration that makes
the version.
"""

import os
import sys
import textwrap
from typing import Any, cast

import psycopg

from . import published
from . import text as sql_text


def schema(number: int) -> str:
    """The schema that holds this version."""
    return f"published_v{number}"


def text(connection: psycopg.Connection[Any], number: int) -> str:
    """The SQL of a new version that holds what `published` holds now; views about versions themselves are in none."""
    name = schema(number)
    lines = [f"CREATE SCHEMA {name};"]
    for view in published.views_by_name(connection).values():
        if view.name != "versions":
            lines.append(of_view(number, view.name, [column.name for column in view.columns]))
    readers = "dashboard_reader, steward_reader, steward_desk"
    lines += [
        f"GRANT USAGE ON SCHEMA {name} TO {readers};",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {readers};",
    ]
    return "\n".join(lines) + "\n"


def of_view(number: int, view: str, columns: list[str]) -> str:
    """One view of a version: every column by its name, so that a new one in `published` does not come in."""
    names = textwrap.fill(", ".join(columns), 120, subsequent_indent="       ", initial_indent="SELECT ")
    return f"CREATE VIEW {schema(number)}.{view} AS\n{names}\nFROM published.{view};"


def promised(connection: psycopg.Connection[Any]) -> dict[int, dict[str, list[str]]]:
    """What the versions promise: number -> view -> columns in order."""
    found: dict[int, dict[str, list[str]]] = {}
    rows = connection.execute(sql_text("describe/versions")).fetchall()
    for number, view, columns in cast("list[tuple[int, str, list[str]]]", rows):
        found.setdefault(number, {})[view] = columns
    return found


if __name__ == "__main__":
    with psycopg.connect(os.environ["TB_WAREHOUSE_URL"]) as warehouse:
        sys.stdout.write(text(warehouse, int(sys.argv[1])))
