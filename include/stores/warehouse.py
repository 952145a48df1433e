"""The warehouse: connections, migrations and bulk loads into PostgreSQL."""

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import sqlalchemy as sa
import tenacity
from psycopg import sql as pgsql

from .. import sql
from . import log, pool, settings

logger = logging.getLogger(__name__)
OWNER = "owner"  # the role of TB_WAREHOUSE_OWNER_URL, for what makes or replaces tables
ROLES = {  # that log in beside the owner, and where their passwords come from
    "pipeline": "TB_PIPELINE_PASSWORD",
    "dashboard_reader": "TB_READER_PASSWORD",
    "steward_reader": "TB_STEWARD_PASSWORD",
    "steward_desk": "TB_DESK_PASSWORD",
    "trust_room": "TB_ROOM_PASSWORD",
}
PROVIDER = "TB_ROOM_OIDC_ISSUER"  # by whom contacts sign in to the trusts' room, if not by links alone
FEW = 200  # rows
MIGRATION_LOCK = 716_201_702
# A migration waits so long for a table at most, since everybody else waits behind it; less than deadlock_timeout (1 s), so that of
# two that wait for each other it is the migration that gives up.
LOCK_TIMEOUT = "500ms"
PATIENCE = 600  # seconds in which a migration is tried again
# Which migrations were applied.
MIGRATIONS = "CREATE TABLE IF NOT EXISTS public.migration (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz DEFAULT now())"


@contextlib.contextmanager
def connect(role: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose work is committed at the end of the block and rolled back if it raises.

    Args:
        role: one of `ROLES`, with no more rights than it needs, or `OWNER`; None is the pipeline's own, of TB_WAREHOUSE_URL.

    Raises:
        Unconfigured: the address or the role's password is not set.
        psycopg.OperationalError: the server cannot be reached.
    """
    with pool.connection(_url(role)) as connection:
        yield connection


def engine(role: str | None = None) -> sa.Engine:
    """A SQLAlchemy engine, for pandas and for people who work with it; `role` as for `connect`."""
    return pool.engine(_url(role))


def _url(role: str | None) -> str:
    of = settings.load()
    if role == OWNER:
        return of.warehouse_owner_url
    url = of.warehouse_url
    if role:
        password = os.environ.get(ROLES[role])
        if not password:
            raise settings.Unconfigured(f"{ROLES[role]} is not set: the password of the database role {role}.")
        url = psycopg.conninfo.make_conninfo(url, user=role, password=password)
    return url


def migrate() -> list[str]:
    """Brings the warehouse to the newest schema as its owner while others read and write it; returns the migrations applied.

    Each migration is one transaction; a file that changed after it was applied is refused, because what it built is in use. At the end
    it says anew what the pipeline may do, and whether the trusts' room may sign in whom a provider knows.

    Raises:
        RuntimeError: a migration was changed, or others have kept what it must change for `PATIENCE` seconds.
    """
    applied = []
    with connect(OWNER) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])  # given back with the connection
        connection.execute(MIGRATIONS)
        done = dict(connection.execute("SELECT name, sha256 FROM public.migration").fetchall())
        connection.commit()
        for path, text in _migrations():
            digest = _digest(text)
            if done.get(path.name, digest) != digest:
                raise RuntimeError(
                    f"Migration {path.name} was changed after it had been applied. Put it back and write a new one."
                )
            if path.name not in done:
                _apply(connection, path.name, text)
                applied.append(path.name)
        connection.execute(sql.text("rights/pipeline"))
        may = "room_by_provider" if os.environ.get(PROVIDER) else "room_by_link_alone"
        connection.execute(sql.text(f"rights/{may}"))
        for role, variable in ROLES.items():
            if password := os.environ.get(variable):
                set_password(connection, role, password)
    return applied


def _apply(connection: psycopg.Connection[Any], name: str, text: str) -> None:
    """Applies one migration, in a transaction that gives up rather than keep readers waiting behind it, and is tried again."""
    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)),
        stop=tenacity.stop_after_delay(PATIENCE),
        wait=tenacity.wait_random_exponential(0.5, max=5),
        before_sleep=lambda state: log.line(
            logger, "migration_waits", level=logging.WARNING, migration=name, tries=state.attempt_number
        ),
    )
    try:
        for attempt in tries:
            with attempt, connection.transaction():
                connection.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
                connection.execute(text)
                connection.execute("INSERT INTO public.migration (name, sha256) VALUES (%s, %s)", [name, _digest(text)])
    except tenacity.RetryError as problem:
        raise RuntimeError(
            f"Migration {name} was not applied: for {PATIENCE} seconds others kept what it must change. Nothing has changed. "
            "See who in pg_stat_activity, and run `trust-benchmarks prepare` again when they have ended."
        ) from problem


def set_password(connection: psycopg.Connection[Any], role: str, password: str) -> None:
    """Gives a role a password as the hash that the server keeps, so that no log of statements ever holds the password."""
    hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(pgsql.SQL("ALTER ROLE {} PASSWORD {}").format(pgsql.Identifier(role), hashed))


def migrations_missing() -> list[str]:
    """The migrations that this warehouse was not made by, or that have changed since; empty where it fits this code."""
    with connect() as connection:
        if connection.execute("SELECT to_regclass('public.migration')").fetchone() == (None,):
            return [path.name for path, _ in _migrations()]
        done = dict(connection.execute("SELECT name, sha256 FROM public.migration").fetchall())
    return [path.name for path, text in _migrations() if done.get(path.name) != _digest(text)]


def _migrations() -> list[tuple[Path, str]]:
    return [(path, path.read_text(encoding="utf-8")) for path in sorted((sql.FOLDER / "migrations").glob("*.sql"))]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def analyze(tables: Iterable[str]) -> None:
    """Has PostgreSQL look at tables of schema core that grew; until it does, it plans for their new rows by guessing.

    It does so by itself within minutes. Somebody who reads just after a release would wait for seconds meanwhile.
    """
    with connect() as connection:
        for table in tables:
            connection.execute(pgsql.SQL("ANALYZE core.{}").format(pgsql.Identifier(table)))


def copy(connection: psycopg.Connection[Any], table: str, frame: pl.DataFrame, **constants: object) -> int:
    """Loads a frame into a table of schema core by COPY, columns by name; `constants` are columns of one value.

    Returns the number of rows. Lists are of numbers. Floats travel as text with all their digits, so they come out as they went in.
    """
    if not frame.height:
        return 0
    columns = pgsql.SQL(", ").join(map(pgsql.Identifier, [*frame.columns, *constants]))
    command = pgsql.SQL("COPY core.{} ({}) FROM STDIN").format(pgsql.Identifier(table), columns)
    if frame.height <= FEW:  # of which psycopg makes lines sooner than polars
        with connection.cursor().copy(command) as stream:
            for row in frame.iter_rows():
                stream.write_row((*row, *constants.values()))
        return frame.height
    frame = frame.with_columns(pl.lit(value).alias(name) for name, value in constants.items())
    lists = [name for name, dtype in frame.schema.items() if dtype == pl.List]
    frame = frame.with_columns(
        pl.col(pl.Boolean).cast(pl.String),
        *(("{" + pl.col(name).cast(pl.List(pl.String)).list.join(",") + "}").alias(name) for name in lists),
    )
    with connection.cursor().copy(command + pgsql.SQL(" (FORMAT csv)")) as stream:
        for batch in frame.iter_slices(100_000):
            # Quoted texts and bare nulls: an empty text stays an empty text.
            stream.write(batch.write_csv(include_header=False, null_value="", quote_style="non_numeric"))
    return frame.height
