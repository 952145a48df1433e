"""Deletes releases that were never published and are no longer needed; the rule stands in the database (core.prune_releases)."""

import logging

import psycopg

from ..stores import log
from ..stores.refusals import ask

logger = logging.getLogger(__name__)


def prune(connection: psycopg.Connection, days: int) -> list[str]:
    """Deletes the releases that are older and were never current, held back or referred to, in the caller's transaction.

    Returns:
        their ids.

    Raises:
        Refused: fewer days than the database allows.
    """
    (gone,) = ask(connection, "SELECT coalesce(array_agg(release_id), '{}') FROM core.prune_releases(%s)", [days])
    log.line(logger, "pruned", releases=len(gone), days=days)
    return sorted(gone)
