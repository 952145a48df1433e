"""Asks the database for what it may refuse, and gives its refusal as a sentence for the person who asked."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

REFUSED_BY_LEDGER = "TB001"  # the SQLSTATE of refusals that the ledger's own functions and triggers raise


class Refused(ValueError):
    """The database did not allow it; the message says why, for the person who asked."""


def ask(
    connection: psycopg.Connection[Any],
    statement: str,
    values: Sequence[object] | Mapping[str, object],
    *,
    already: str = "This has just been done. Look at it again.",
    missing: Mapping[str, str] | None = None,
) -> tuple[Any, ...]:
    """Runs a statement that the database may refuse, in a transaction of its own or a savepoint of the caller's.

    Args:
        already: the sentence for something that is there already.
        missing: sentences by the name of the CHECK constraint that is broken.

    Returns:
        its first row.

    Raises:
        Refused: the database does not allow it.
    """
    try:
        with connection.transaction():
            row = connection.execute(statement, values).fetchone()
    except psycopg.errors.UniqueViolation as problem:
        raise Refused(already) from problem
    except psycopg.errors.CheckViolation as problem:
        sentence = (missing or {}).get(problem.diag.constraint_name or "")
        raise Refused(sentence or f"Something is missing: {problem.diag.message_primary}") from problem
    except psycopg.errors.ForeignKeyViolation as problem:
        raise Refused(f"There is no such submission or decision: {problem.diag.message_detail}") from problem
    except psycopg.Error as problem:
        if problem.sqlstate == REFUSED_BY_LEDGER:
            raise Refused(problem.diag.message_primary or str(problem)) from problem
        raise
    return row or ()
