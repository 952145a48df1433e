"""The warehouse's rows as text, table by table and exactly, and back: COPY, which every PostgreSQL speaks, without its client programs."""

import gzip
import hashlib
from collections.abc import Iterable
from typing import IO, Any, NamedTuple

import psycopg
from psycopg import sql as pgsql

from .. import sql
from .folder import CHUNK, Folder, Unusable

# What `trust-benchmarks prepare` fills; a warehouse that holds nothing else is empty.
PREPARED = frozenset(
    f"core.{name}"
    for name in [
        "board_coverage",
        "cohort",
        "collection",
        "contradiction",
        "decision_kind",
        "decision_move",
        "decision_possible",
        "event_kind",
        "history",
        "holiday",
        "metric",
        "plan_outcome",
        "programme_event",
        "provider",
        "provider_name",
        "published_version",
        "reason",
        "recommendation",
        "recurring_event",
        "reference_version",
        "rule_limit",
        "rules_in_force",
        "succession",
    ]
) | {"public.migration"}

# Text that does not depend on who reads it. Rows in the order in which they are stored.
_SETTINGS = (
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL client_encoding = 'UTF8'",
    "SET LOCAL synchronize_seqscans = off",
    "SET LOCAL statement_timeout = 0",
)


class Table(NamedTuple):
    """A table of the warehouse, and its columns but for those that are computed."""

    schema: str
    name: str
    columns: list[str]

    @property
    def full_name(self) -> str:
        """Schema and name, as a person writes them."""
        return f"{self.schema}.{self.name}"

    def copy(self, direction: str) -> pgsql.Composed:
        """The COPY command, TO STDOUT or FROM STDIN."""
        columns = pgsql.SQL(", ").join(map(pgsql.Identifier, self.columns))
        return pgsql.SQL("COPY {} ({}) {}").format(self.identifier, columns, pgsql.SQL(direction))

    @property
    def identifier(self) -> pgsql.Identifier:
        """Its name in SQL."""
        return pgsql.Identifier(self.schema, self.name)


def use_exact_text(connection: psycopg.Connection[Any]) -> None:
    """Has the transaction give and take rows as text in one way, whoever is connected."""
    for one in _SETTINGS:
        connection.execute(one)


def all_tables(connection: psycopg.Connection[Any]) -> list[Table]:
    """Every table, one after those that it refers to."""
    return [Table(*row) for row in connection.execute(sql.text("operations/tables")).fetchall()]


def save(connection: psycopg.Connection[Any], table: Table, into: Folder) -> dict[str, Any]:
    """Keeps the rows of a table as compressed text; what the list of a backup says of it."""
    digest, count = hashlib.sha256(), 0

    def write(out: IO[bytes]) -> None:
        nonlocal count
        with (
            gzip.GzipFile("", "wb", 1, out, mtime=0) as packed,
            connection.cursor().copy(table.copy("TO STDOUT")) as rows,
        ):
            for row in rows:
                digest.update(row)
                packed.write(row)
                count += 1

    sha256, size = into.add(write)
    return {
        "table": table.full_name,
        "columns": table.columns,
        "rows": count,
        "rows_sha256": digest.hexdigest(),
        "sha256": sha256,
        "bytes": size,
    }


def load(connection: psycopg.Connection[Any], table: Table, saved: dict[str, Any], source: Folder) -> None:
    """Puts saved rows into an empty table, and reads the table again to see that it holds them and nothing else.

    Raises:
        Unusable: what was saved is damaged, or the table does not hold the same.
    """
    with (
        gzip.open(source.place(saved["sha256"])) as packed,
        connection.cursor().copy(table.copy("FROM STDIN")) as stream,
    ):
        while chunk := packed.read(CHUNK):
            stream.write(chunk)
    digest, count = hashlib.sha256(), 0
    with connection.cursor().copy(table.copy("TO STDOUT")) as rows:
        for row in rows:
            digest.update(row)
            count += 1
    if (count, digest.hexdigest()) != (saved["rows"], saved["rows_sha256"]):
        raise Unusable(
            f"{table.full_name} would not be what was backed up ({count:,} rows, {saved['rows']:,} expected, or other values), so "
            "nothing was restored in the database. Is it the same major version of PostgreSQL?"
        )


def sequences(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """Where each sequence stands; None where it was never used."""
    rows = connection.execute(
        "SELECT schemaname::text, sequencename::text, last_value FROM pg_sequences WHERE last_value IS NOT NULL ORDER BY 1, 2"
    )
    return [{"schema": schema, "name": name, "last": last} for schema, name, last in rows]


def set_sequences(connection: psycopg.Connection[Any], saved: Iterable[dict[str, Any]]) -> None:
    """Puts each sequence where it stood."""
    for one in saved:
        name = pgsql.Identifier(one["schema"], one["name"]).as_string(connection)
        connection.execute("SELECT setval(%s::regclass, %s)", [name, one["last"]])
