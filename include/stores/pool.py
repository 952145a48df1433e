"""Connections to PostgreSQL, kept open by SQLAlchemy: one engine for each address and role in a process.

A connection that comes back is as a new one when it is taken again: rolled back, out of autocommit, without settings, locks,
temporary tables or prepared statements of whoever had it. A process that was forked begins with none, because two processes must not
speak over one socket. TB_WAREHOUSE_POOL says how many a process keeps for each role (2 unless it is set); 0 keeps none, as behind
PgBouncer.
"""

import contextlib
import os
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg.rows import tuple_row
from sqlalchemy.pool import NullPool, PoolProxiedConnection, PoolResetState, QueuePool

KEPT = 2  # connections that a process keeps for each role


def engine(url: str) -> sa.Engine:
    """The engine of this process for an address; it is made once."""
    return _engine(url, int(os.environ.get("TB_WAREHOUSE_POOL") or KEPT))


@contextlib.contextmanager
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection out of the pool: committed at the end of the block, rolled back if it raises, and given back.

    Raises:
        psycopg.OperationalError: the server cannot be reached.
    """
    pooled = engine(url).raw_connection()
    taken = cast("psycopg.Connection[Any]", pooled.driver_connection)
    try:
        yield taken
    except BaseException:
        with contextlib.suppress(psycopg.Error):
            taken.rollback()
        raise
    else:
        if not taken.closed:  # whoever had it may have closed it
            taken.commit()
    finally:
        _give_back(pooled, taken)


def close() -> None:
    """Closes the connections that are not in use; the next one is a new one."""
    for one in _made:
        one.dispose()


_made: list[sa.Engine] = []


@cache
def _engine(url: str, kept: int) -> sa.Engine:
    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(url, connect_timeout=10, application_name="trust-benchmarks")

    # More connections than are kept may be open at once, as before there was a pool: nobody waits for one.
    pool = {"poolclass": QueuePool, "pool_size": kept, "max_overflow": -1, "pool_use_lifo": True, "pool_pre_ping": True}
    made = sa.create_engine(
        "postgresql+psycopg://",
        creator=connect,
        pool_reset_on_return=None,  # `_reset` does more
        **(pool if kept else {"poolclass": NullPool}),
    )
    sa.event.listen(made, "reset", _reset)
    _made.append(made)
    return made


def _reset(taken: psycopg.Connection[Any], _record: object, state: PoolResetState) -> None:
    if taken.closed or state.terminate_only:
        return
    taken.rollback()
    taken.autocommit = False
    taken.execute(
        "SELECT 1"
    )  # so that there is something to roll back: with it psycopg forgets its prepared statements
    taken.rollback()
    taken.isolation_level = taken.read_only = taken.deferrable = None
    taken.row_factory = tuple_row
    taken.autocommit = True
    taken.execute("DISCARD ALL")
    taken.autocommit = False


def _give_back(pooled: PoolProxiedConnection, taken: psycopg.Connection[Any]) -> None:
    if taken.closed or taken.info.transaction_status == psycopg.pq.TransactionStatus.UNKNOWN:
        pooled.invalidate()
    pooled.close()


def _after_fork() -> None:
    for one in _made:
        one.dispose(close=False)  # the sockets are the parent's


os.register_at_fork(after_in_child=_after_fork)
