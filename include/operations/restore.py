"""Restores a backup into stores that are empty: the buckets first, then the warehouse in one transaction."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql as pgsql

from ..stores import log, objects, settings, warehouse
from . import tables
from .backup import BUCKETS, FORM
from .folder import CHUNK, Folder, Unusable, contents

logger = logging.getLogger(__name__)
SHOWN = 3


@dataclass(frozen=True)
class Restored:
    """What a restore came to: how many objects and rows, and the migrations of a newer version that were applied after it."""

    name: str
    objects: int
    tables: int
    rows: int
    migrated: list[str]


def restore(path: Path, name: str | None = None, tell: Callable[[str], None] = lambda _: None) -> Restored:
    """Restores a backup, the newest if none is named, into an empty warehouse and empty buckets.

    One that was killed is begun again: objects that it has put back are looked at and stay, and the warehouse is restored as a whole
    or not at all.

    Args:
        tell: is given a sentence before each step.

    Raises:
        Unusable: the stores hold something else, or the backup is damaged; nothing in the warehouse has changed then.
    """
    folder = Folder(path)
    with folder.held():
        backup = folder.read(name)
        if backup["form"] != FORM:
            raise Unusable(
                f"The backup {backup['name']} is of another form ({backup['form']}). Restore it with its version."
            )
        with warehouse.connect(warehouse.OWNER) as connection:
            _refuse_over_rows(connection)
        there = _refuse_over_objects(backup)
        tell(f"Reading {len(backup['objects']):,} objects and {len(backup['tables'])} tables of {backup['name']} ...")
        if damaged := [one for one in sorted(set(contents(backup))) if not folder.is_whole(one)]:
            raise Unusable(
                f"The backup {backup['name']} is damaged: {len(damaged)} of its files are missing or have changed "
                f"({', '.join(damaged[:SHOWN])}). Nothing was restored. Restore another one with --backup."
            )
        tell("Restoring the buckets ...")
        _restore_objects(folder, backup, there)
        tell("Restoring the warehouse ...")
        _restore_warehouse(folder, backup)
        migrated = warehouse.migrate()
        with warehouse.connect(warehouse.OWNER) as connection:
            connection.execute("ANALYZE")
    rows = sum(one["rows"] for one in backup["tables"])
    done = Restored(backup["name"], len(backup["objects"]), len(backup["tables"]), rows, migrated)
    log.line(logger, "restored", folder=path, name=done.name, objects=done.objects, rows=done.rows)
    return done


def _refuse_over_rows(connection: psycopg.Connection[Any]) -> None:
    for table in tables.all_tables(connection):
        if table.full_name in tables.PREPARED:
            continue
        found = connection.execute(pgsql.SQL("SELECT EXISTS (SELECT FROM {})").format(table.identifier)).fetchone()
        if found and found[0]:
            raise Unusable(
                f"The warehouse is not empty: {table.full_name} has rows. A backup is restored into an empty one: name another "
                "database in TB_WAREHOUSE_URL, or drop this one, and run `trust-benchmarks prepare`."
            )


def _refuse_over_objects(backup: dict[str, Any]) -> set[tuple[str, str]]:
    """The objects that are there already, as an earlier restore of this backup left them."""
    of, there = settings.load(), set()
    expected = {(one["bucket"], one["key"]): one for one in backup["objects"]}
    for bucket in BUCKETS:
        for listed in objects.listing(getattr(of, bucket)):
            one = expected.get((bucket, listed.key))
            if one is None or not _is_same(getattr(of, bucket), listed, one):
                raise Unusable(
                    f"The bucket {getattr(of, bucket)} is not empty: it holds {listed.key}, which this backup does not. "
                    "A backup is restored into empty buckets: empty them, or name others in TB_BUCKET_INBOX and so on."
                )
            there.add((bucket, listed.key))
    return there


def _is_same(bucket: str, listed: objects.Listed, one: dict[str, Any]) -> bool:
    if listed.size != one["bytes"]:
        return False
    digest = hashlib.sha256()
    for chunk in objects.client().get_object(Bucket=bucket, Key=listed.key)["Body"].iter_chunks(CHUNK):
        digest.update(chunk)
    return digest.hexdigest() == str(one["sha256"])


def _restore_objects(folder: Folder, backup: dict[str, Any], there: set[tuple[str, str]]) -> None:
    of = settings.load()

    def put(one: dict[str, Any]) -> None:
        with folder.place(one["sha256"]).open("rb") as body:
            objects.client().put_object(
                Bucket=getattr(of, one["bucket"]),
                Key=one["key"],
                Body=body,
                Metadata=one["metadata"],
                ContentType=one["type"],
            )

    wanted = [one for one in backup["objects"] if (one["bucket"], one["key"]) not in there]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, wanted))
    expected = Counter(one["bucket"] for one in backup["objects"])
    for bucket in BUCKETS:
        found = sum(1 for _ in objects.listing(getattr(of, bucket)))
        if found != expected[bucket]:
            raise Unusable(
                f"The bucket {getattr(of, bucket)} has {found:,} objects after {expected[bucket]:,} were restored. "
                "Stop whatever else writes to it, empty it, and restore again."
            )


def _restore_warehouse(folder: Folder, backup: dict[str, Any]) -> None:
    """Makes the schemas by the backup's own migrations and fills the tables, all in one transaction."""
    with warehouse.connect(warehouse.OWNER) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [warehouse.MIGRATION_LOCK])
        _refuse_over_rows(connection)  # again: reading the backup and restoring the buckets took a while
        _drop_prepared(connection)
        for one in backup["migrations"]:
            connection.execute(folder.place(one["sha256"]).read_bytes())
        connection.execute(warehouse.MIGRATIONS)
        tables.use_exact_text(connection)
        made = {table.full_name: table for table in tables.all_tables(connection)}
        saved = {one["table"]: one for one in backup["tables"]}
        if made.keys() != saved.keys():
            other = ", ".join(sorted(made.keys() ^ saved.keys()))
            raise Unusable(
                f"The backup's tables are not those that its migrations make: {other}. Nothing was restored."
            )
        every = pgsql.SQL(", ").join(table.identifier for table in made.values())
        for table in made.values():  # facts refuse to be removed, and a pointer that moves is logged
            connection.execute(pgsql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table.identifier))
        connection.execute(pgsql.SQL("TRUNCATE {}").format(every))
        for name, table in made.items():
            tables.load(connection, table._replace(columns=saved[name]["columns"]), saved[name], folder)
        tables.set_sequences(connection, backup["sequences"])
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in made.values():
            connection.execute(pgsql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table.identifier))


def _drop_prepared(connection: psycopg.Connection[Any]) -> None:
    """Removes what `prepare` has made; `_refuse_over_rows` in the same transaction has seen that there is nothing else."""
    schemas = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname NOT IN ('public', 'information_schema') AND nspname NOT LIKE 'pg\\_%'"
    ).fetchall()
    for (schema,) in schemas:
        connection.execute(pgsql.SQL("DROP SCHEMA {} CASCADE").format(pgsql.Identifier(schema)))
    connection.execute("DROP TABLE IF EXISTS public.migration")
