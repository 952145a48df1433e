"""One collection and period that breaks something keeps no other from it: it is found, logged and left out."""

import logging
from collections.abc import Callable
from typing import TypeVar

import psycopg

from ..stores import log
from ..stores.faults import is_outage
from .dependencies import Pair

Given = TypeVar("Given")
Done = TypeVar("Done")


def log_failure(logger: logging.Logger, event: str, pair: Pair, problem: BaseException) -> None:
    """Logs what failed for a collection and period, why, and where."""
    collection, period = pair
    about = {"collection": collection, "period": period}
    log.line(logger, event, level=logging.ERROR, **about, problem=log.short(problem), at=log.where(problem))


def all_or_each(
    connection: psycopg.Connection,
    given: dict[Pair, Given],
    work: Callable[[dict[Pair, Given]], Done],
    logger: logging.Logger,
    event: str,
) -> Done:
    """Does something for all pairs at once; where that fails, finds those that it fails for, logs them and does it for the others."""
    try:
        with connection.transaction():
            return work(given)
    except Exception as problem:
        if is_outage(problem) or connection.closed or not given:
            raise
    good = {}
    for pair, one in given.items():
        try:
            with connection.transaction(force_rollback=True):
                work({pair: one})
            good[pair] = one
        except Exception as problem:
            if is_outage(problem) or connection.closed:
                raise
            log_failure(logger, event, pair, problem)
    return work(good)
