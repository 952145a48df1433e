"""The warehouse: connections, migrations and bulk loads into PostgreSQL."""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import sqlalchemy as sa
from psycopg import sql as pgsql

from .. import sql
from . import pool, settings

OWNER = "owner"  # the role of TB_WAREHOUSE_OWNER_URL, for what makes or replaces tables
ROLES = {  # that log in beside the owner, and where their passwords come from
    "pipeline": "TB_PIPELINE_PASSWORD",
    "dashboard_reader": "TB_READER_PASSWORD",
    "steward_reader": "TB_STEWARD_PASSWORD",
    "steward_desk": "TB_DESK_PASSWORD",
    "trust_room": "TB_ROOM_PASSWORD",
}
FEW = 200  # rows
MIGRATION_LOCK = 716_201_702
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
    """Brings the warehouse to the newest schema as its owner, and says anew what the pipeline may do; returns the migrations applied.

    All is one transaction; a file that changed after it was applied is refused, because what it built is in use.
    """
    applied = []
    with connect(OWNER) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        connection.execute(MIGRATIONS)
        done = dict(connection.execute("SELECT name, sha256 FROM public.migration").fetchall())
        for path, text in _migrations():
            digest = _digest(text)
            if done.get(path.name, digest) != digest:
                raise RuntimeError(
                    f"Migration {path.name} was changed after it had been applied. Put it back and write a new one."
                )
            if path.name not in done:
                connection.execute(text)
                connection.execute("INSERT INTO public.migration (name, sha256) VALUES (%s, %s)", [path.name, digest])
                applied.append(path.name)
        connection.execute(sql.text("rights/pipeline"))
        for role, variable in ROLES.items():
            if password := os.environ.get(variable):
                set_password(connection, role, password)
    return applied


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
