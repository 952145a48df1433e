"""Writes the SQL of a version of the published views: a schema that keeps exactly the columns that are promised now.

python -m trust_benchmarks.sql.versions 2   prints it, for the end of the migration that makes the version.
"""

import re
import sys
import textwrap

from . import FOLDER, published


def schema(number: int) -> str:
    """The schema that holds this version."""
    return f"published_v{number}"


def text(number: int) -> str:
    """The SQL of a new version that holds what `published` holds now; views about versions themselves are in none."""
    name = schema(number)
    lines = [f"CREATE SCHEMA {name};"]
    for view in published.views_by_name().values():
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


def promised() -> dict[int, dict[str, list[str]]]:
    """What the versions promise, read from the migrations: number -> view -> columns, without versions that were dropped."""
    found: dict[int, dict[str, list[str]]] = {}
    for path in sorted((FOLDER / "migrations").glob("*.sql")):
        written = path.read_text(encoding="utf-8")
        pattern = r"CREATE VIEW published_v(\d+)\.(\w+) AS\s+SELECT (.*?)\s+FROM published\.\2;"
        for number, view, columns in re.findall(pattern, written, re.S):
            found.setdefault(int(number), {})[view] = re.split(r",\s*", columns)
        for number in re.findall(r"DROP SCHEMA published_v(\d+)", written):
            found.pop(int(number), None)
    return found


if __name__ == "__main__":
    sys.stdout.write(text(int(sys.argv[1])))
