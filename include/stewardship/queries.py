"""Reads the ledger with the queries in include/sql, each row as a named type."""

from typing import Any, TypeVar

import psycopg
from psycopg.rows import class_row

from .. import sql

T = TypeVar("T")


def rows(connection: psycopg.Connection[Any], name: str, kind: type[T], /, **parameters: object) -> list[T]:
    """All rows of a query.

    Args:
        connection: of a role that may read what the query reads.
        name: of the file, such as 'stewardship/findings'.
        kind: a class (dataclass or NamedTuple) with a field for each column of the query.
        **parameters: the named parameters of the query.
    """
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(sql.text(name), parameters).fetchall()


def first(connection: psycopg.Connection[Any], name: str, kind: type[T], /, **parameters: object) -> T | None:
    """The first row of a query (see `rows`); None if there is none."""
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(sql.text(name), parameters).fetchone()
