"""What the warehouse answers: one transaction that reads, at one moment, as the role dashboard_reader, within a time limit.

Names are psycopg's identifiers out of the description of the views, values are parameters: nothing of a request becomes SQL.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import IsolationLevel, errors
from psycopg import sql as pgsql

from ..stores import warehouse
from .problems import Problem
from .question import LONDON, Question, next_cursor

SECONDS = 10  # that a question may take
AT_ONCE = threading.BoundedSemaphore(8)  # questions; others wait
WAIT = 10  # seconds that they wait

# The first day of a period, as core.period_start has it, which readers have no right to name.
PERIOD_START = pgsql.SQL(
    "make_date(left(period, 4)::int, CASE WHEN right(period, 2)::int > 12 THEN 4 ELSE right(period, 2)::int END, 1)"
)
EDITION = pgsql.SQL("SELECT edition_id, switched_at FROM published.editions ORDER BY number DESC LIMIT 1")
EDITION_AT = pgsql.SQL(
    "SELECT edition_id, switched_at FROM published.editions WHERE switched_at <= %s ORDER BY number DESC LIMIT 1"
)


@dataclass(frozen=True)
class Edition:
    """The edition that an answer is of; its name is 'none' before the first."""

    name: str
    switched_at: datetime | None


@dataclass(frozen=True)
class Answer:
    """What is answered.

    Attributes:
        rows: values in the order of the question's fields.
        next_cursor: of the page that follows; empty where there is none.
    """

    question: Question
    edition: Edition
    rows: list[tuple[Any, ...]]
    next_cursor: str


@contextlib.contextmanager
def slot() -> Iterator[None]:
    """One of the places for questions that are answered at once, so that their rows fit the memory.

    Raises:
        Problem: none was free for a while.
    """
    if not AT_ONCE.acquire(timeout=WAIT):
        raise _away("Too many requests are being answered at the moment.", f"a free place within {WAIT} seconds")
    try:
        yield
    finally:
        AT_ONCE.release()


@contextlib.contextmanager
def reading() -> Iterator[psycopg.Connection[Any]]:
    """A transaction that sees one moment and cannot write.

    Raises:
        Problem: the warehouse is away, or a question takes too long.
    """
    try:
        with warehouse.connect(role="dashboard_reader") as connection:
            connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
            connection.execute(pgsql.SQL("SET LOCAL statement_timeout = {}").format(SECONDS * 1000))
            connection.execute("SET LOCAL TimeZone = 'UTC'")
            yield connection
    except errors.QueryCanceled:
        raise Problem(
            503,
            "too_much_at_once",
            f"The answer took longer than {SECONDS} seconds.",
            f"Expected: an answer within {SECONDS} seconds.",
            "Ask for less: name a metric or a trust, a shorter time (since, until), or fewer rows (limit).",
        ) from None
    except psycopg.OperationalError:
        raise _away("The warehouse cannot be reached.", "a warehouse that answers") from None


def edition(connection: psycopg.Connection[Any], at: datetime | None = None) -> Edition:
    """The edition that holds, or held at a moment."""
    found = connection.execute(EDITION_AT, [at]) if at else connection.execute(EDITION)
    return Edition(*(found.fetchone() or ("none", None)))


def find(question: Question, samples: bool) -> Answer:
    """The rows that are asked for, ordered by the table's key.

    Args:
        samples: whether rows that rest on sample returns are shown.

    Raises:
        Problem: the edition is another one than that of the page before, or as `reading`.
    """
    with reading() as connection:
        return find_at(connection, question, samples)


def find_at(connection: psycopg.Connection[Any], question: Question, samples: bool) -> Answer:
    """The same at the moment that a transaction sees, so that several answers are of one edition."""
    holds = edition(connection, question.as_at)
    if question.cursor and question.cursor.edition != holds.name:
        raise Problem(
            409,
            "edition_changed",
            f"A new edition ({holds.name}) was published since the page before ({question.cursor.edition[:80]!r}).",
            "Expected: all pages of one edition.",
            "Begin again without cursor.",
        )
    statement, parameters = statement_for(question, samples)
    try:
        rows = connection.execute(statement, parameters).fetchall()
    except (errors.DataError, errors.InvalidTextRepresentation):
        raise Problem(
            400,
            "bad_parameter",
            "A value cannot be compared with its column.",
            "Expected: values of the column's type, as /api/v1/openapi.json has them.",
            "Correct the value.",
        ) from None
    cursor, width = "", len(question.fields)
    if len(rows) > question.limit:
        rows = rows[: question.limit]
        cursor = next_cursor(question, holds.name, rows[-1][width:])
    return Answer(question, holds, [row[:width] for row in rows], cursor)


def statement_for(question: Question, samples: bool) -> tuple[pgsql.Composed, list[object]]:
    """The statement of a question with its parameters: its fields, then the key as text; one row more than is asked for."""
    table = question.table
    source, parameters = _source(question)
    conditions = []
    for name, values in question.values.items():
        conditions.append(_condition(name, table.columns[name].type, values, parameters))
    _between(question, conditions, parameters)
    if not samples and "is_sample" in table.columns:
        conditions.append(pgsql.SQL("NOT is_sample"))
    key = [pgsql.Identifier("t", name) for name in table.view.key]
    if question.cursor:
        types = [pgsql.SQL("%s::") + pgsql.SQL(table.columns[name].type) for name in table.view.key]
        conditions.append(pgsql.SQL("({}) > ({})").format(pgsql.SQL(", ").join(key), pgsql.SQL(", ").join(types)))
        parameters += question.cursor.after
    columns = [
        *(pgsql.Identifier("t", name) for name in question.fields),
        *(pgsql.SQL("{}::text AS {}").format(column, pgsql.Identifier(f"key {n}")) for n, column in enumerate(key)),
    ]
    statement = pgsql.SQL("SELECT {} FROM {} AS t WHERE {} ORDER BY {} LIMIT {}").format(
        pgsql.SQL(", ").join(columns),
        source,
        pgsql.SQL(" AND ").join([pgsql.SQL("true"), *conditions]),
        pgsql.SQL(", ").join(key),
        question.limit + 1,
    )
    return statement, parameters


def _source(question: Question) -> tuple[pgsql.Composable, list[object]]:
    """The view, or its function with the moment; a single collection and period narrow what the function reads."""
    name = question.table.view.name
    if question.as_at is None:
        return pgsql.Identifier("published", name), []
    narrow: dict[str, object] = {"at": question.as_at}
    for column in ("collection", "period"):
        values = question.values.get(column, ())
        narrow[f"of_{column}"] = values[0] if len(values) == 1 else None
    arguments = [narrow[one] for one in question.table.as_at]
    slots = pgsql.SQL(", ").join(
        pgsql.SQL("%s::timestamptz" if one == "at" else "%s::text") for one in question.table.as_at
    )
    return pgsql.SQL("{}({})").format(pgsql.Identifier("published", f"{name}_as_at"), slots), arguments


def _condition(name: str, type_: str, values: tuple[object, ...], parameters: list[object]) -> pgsql.Composable:
    """That a column holds one of some values, or, where it is a list, has one of them in it; None is nothing."""
    column, some = pgsql.Identifier(name), [value for value in values if value is not None]
    either = []
    if some:
        base = pgsql.SQL(type_.removesuffix("[]"))
        operator = pgsql.SQL("{} && %s::{}[]" if type_.endswith("[]") else "{} = ANY (%s::{}[])")
        either.append(operator.format(column, base))
        parameters.append(some)
    if len(some) < len(values):
        either.append(pgsql.SQL("{} IS NULL").format(column))
    return pgsql.SQL("({})").format(pgsql.SQL(" OR ").join(either))


def _between(question: Question, conditions: list[pgsql.Composable], parameters: list[object]) -> None:
    table = question.table
    if not table.dated:
        return
    column: pgsql.Composable = PERIOD_START if table.dated == "period" else pgsql.Identifier(table.dated)
    is_time = table.columns[table.dated].type.startswith("timestamp")
    if question.since:
        conditions.append(pgsql.SQL("{} >= %s").format(column))
        parameters.append(_midnight(question.since, 0) if is_time else question.since)
    if question.until:
        conditions.append(pgsql.SQL("{} < %s" if is_time else "{} <= %s").format(column))
        parameters.append(_midnight(question.until, 1) if is_time else question.until)


def _midnight(day: Any, later: int) -> datetime:
    """The day's beginning in London, or that of a later day; the last day that there is ends where it begins."""
    begins = datetime(day.year, day.month, day.day)
    with contextlib.suppress(OverflowError):
        begins += timedelta(days=later)
    return begins.replace(tzinfo=LONDON)


def _away(found: str, expected: str) -> Problem:
    return Problem(503, "not_now", found, f"Expected: {expected}.", "Ask again in a few seconds.", {"Retry-After": "5"})
