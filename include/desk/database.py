"""The desk's access to the warehouse: the role with the fewest rights, and queries whose rows go to a template."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from psycopg.rows import dict_row

from .. import sql
from ..stores import warehouse

Connection = psycopg.Connection[Any]
# A row of a query in include/sql/desk. Templates name its columns, and refuse a name that it does not have.
Row = dict[str, Any]


@contextlib.contextmanager
def opened() -> Iterator[Connection]:
    """A connection of the desk's role; committed at the end of the block, rolled back if it raises."""
    with warehouse.connect(role="steward_desk") as connection:
        yield connection


def rows(connection: Connection, name: str, /, **parameters: object) -> list[Row]:
    """All rows of a query.

    Args:
        connection: of the desk's role.
        name: of a file in include/sql/desk, such as 'tasks'.
        **parameters: its named parameters.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql.text(f"desk/{name}"), _without_nul(parameters)).fetchall()


def values(connection: Connection, name: str, /, **parameters: object) -> list[Any]:
    """The first column of a query (see `rows`)."""
    return [row[0] for row in connection.execute(sql.text(f"desk/{name}"), _without_nul(parameters)).fetchall()]


def _without_nul(parameters: dict[str, object]) -> dict[str, object]:
    """Parameters from an address may hold the NUL character, which PostgreSQL refuses in a text."""
    return {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in parameters.items()}


def names(connection: Connection, codes: Iterable[str | None]) -> dict[str, str]:
    """Names of providers by code, for those that have one."""
    known = {code for code in codes if code}
    found = connection.execute(
        "SELECT provider_code, provider_name FROM published.providers WHERE provider_code = ANY(%s)", [sorted(known)]
    )
    return {code: name for code, name in found if name}
