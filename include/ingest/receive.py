"""Receives what is in the inbox: archives each new file, registers it, states what is expected, and holds files that say no period or sender."""

from typing import Any

import psycopg

from .. import catalogue
from ..records import rules_in_force
from ..records.validate_and_record import try_each
from ..reference import known_collections
from ..stores import warehouse
from ..stores.faults import is_outage
from . import expected_returns, inbox, waiting
from .inbox import Failures
from .register import Registered, register


def receive(collection: str | None = None) -> dict[str, Any]:
    """Receives every new file of a collection's inbox, or of all.

    Returns:
        {"received": new submissions, "again": files whose bytes were received before, "waiting": [[collection, period], ...]
        of submissions that wait for validation}; and, where a file could not be archived or registered, "failed": its key
        and the reason. Such a file is tried again the next time, and keeps no other back.

    Raises:
        psycopg.OperationalError, botocore.exceptions.ClientError and the like: when a store is down.
    """
    names = [catalogue.load(collection).name] if collection else list(catalogue.all())
    counts, failures = Registered(), Failures()
    with warehouse.connect() as connection:
        known_collections.note(connection)
        rules_in_force.note_rules(connection, names)
    for name in names:
        try:
            _receive(name, counts, failures)
        except Exception as problem:
            if is_outage(problem):
                raise
            failures.add(name, "not_received", problem)
    with warehouse.connect() as connection:
        _finish(connection, names)
        waiting.log_backlog(connection, names)
        result = {"received": counts.new, "again": counts.again, "waiting": waiting.periods(names, connection)}
        return result | ({"failed": dict(failures)} if failures else {})


def _receive(collection: str, counts: Registered, failures: Failures) -> None:
    own = Registered()
    with warehouse.connect() as connection:
        # One receiver per collection at a time: another one waits here and then finds nothing left to do. The lock is the
        # transaction's, which ends with the block.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"receive {collection}"])
        for arrivals in inbox.archived(collection, inbox.new_files(connection, collection), failures):
            register(arrivals, failures, own)
        expected_returns.expect(collection, own.periods)
    counts.new += own.new
    counts.again += own.again


def _finish(connection: psycopg.Connection, names: list[str]) -> None:
    """Does what follows from receiving, for all that was received, also by a receiver that was killed."""
    for collection, periods in expected_returns.not_stated(connection, names).items():
        expected_returns.expect(collection, periods)  # what is expected is part of what figures rest on
    no_run = waiting.without_run(connection, names)
    connection.commit()
    # Nobody waits for a file whose period or sender is not known, so it is validated here, and held.
    try_each(no_run)
