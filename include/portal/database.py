"""Calls the functions of schema room, as the role trust_room. Who asks is known to the database by the session's token alone."""

from typing import Any

from psycopg import sql as pgsql
from psycopg.rows import dict_row

from ..stores import refusals, warehouse

ROLE = "trust_room"
Row = dict[str, Any]  # templates name its columns, and refuse a name that it does not have


def rows(function: str, *values: object) -> list[Row]:
    """The rows that a function of schema room gives.

    Raises:
        psycopg.OperationalError: the warehouse cannot be reached.
    """
    with warehouse.connect(ROLE) as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_call(function, values), _stored(values)).fetchall()


def first(function: str, *values: object) -> Row | None:
    """The first row of them; None where there is none."""
    found = rows(function, *values)
    return found[0] if found else None


def ask(function: str, *values: object) -> Any:
    """The one value of a function that may refuse.

    Raises:
        Refused: with a sentence for the person who asked.
    """
    with warehouse.connect(ROLE) as connection:
        return refusals.ask(connection, _call(function, values).as_string(connection), _stored(values))[0]


def _call(function: str, values: tuple[object, ...]) -> pgsql.Composed:
    marks = pgsql.SQL(", ").join([pgsql.Placeholder()] * len(values))
    return pgsql.SQL("SELECT * FROM room.{}({})").format(pgsql.Identifier(function), marks)


def _stored(values: tuple[object, ...]) -> list[object]:
    """Values from an address or a form may hold the NUL character, which PostgreSQL refuses in a text."""
    return [value.replace("\0", "") if isinstance(value, str) else value for value in values]
