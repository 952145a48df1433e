"""The desk's way into the warehouse: the least-privileged role, rows as dictionaries."""

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg.rows import dict_row

from ..stores import warehouse


@contextlib.contextmanager
def opened() -> Iterator[psycopg.Connection]:
    """A connection of the desk's role; committed at the end of the block, rolled back if it raises."""
    with warehouse.connect(role="steward_desk") as connection:
        yield connection


def rows(connection: psycopg.Connection, query: str, parameters=None) -> list[dict]:
    """The rows of a query as dictionaries."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def names(connection: psycopg.Connection, codes) -> dict[str, str]:
    """Names of providers by code, for those that have one."""
    found = connection.execute(
        "SELECT provider_code, provider_name FROM published.providers WHERE provider_code = ANY(%s)",
        [sorted({code for code in codes if code})],
    )
    return {code: name for code, name in found if name}


def conditions(wanted: dict) -> tuple[str, dict]:
    """A WHERE clause of the conditions whose value is not empty, and their parameters. Keys are SQL with %(name)s in it."""
    kept = {clause: value for clause, value in wanted.items() if value not in (None, "")}
    parameters = {}
    for clause, value in kept.items():
        parameters[clause.split("%(")[1].split(")")[0]] = value
    return ("WHERE " + " AND ".join(kept)) if kept else "", parameters
