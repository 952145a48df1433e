"""Backs up the warehouse and the buckets at one point in time; what an earlier backup holds is not copied again.

The database is read in one transaction that sees one moment. Objects are written before the transaction that names them, and under
names that are used once, so all that the database names at that moment is in the buckets whenever they are read afterwards.
"""

import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

import psycopg

from .. import sql
from ..ingest.inbox import DRAFTS
from ..records import record_objects
from ..stores import log, objects, settings, warehouse
from . import tables
from .folder import CHUNK, Folder, Unusable, contents

logger = logging.getLogger(__name__)
BUCKETS = ("inbox", "archive", "records", "exports")  # attributes of `settings.Settings`
FORM = 1  # of the list; a restore reads those that it knows


@dataclass
class BackedUp:
    """What a backup came to.

    Attributes:
        objects, tables: how many it holds; new_bytes: what had to be copied.
        harmed: sentences about what is missing or changed in the stores; it is in the backup only where an earlier one had it.
    """

    name: str
    objects: int
    tables: int
    rows: int
    bytes: int
    new_bytes: int
    forgotten: int = 0
    harmed: list[str] = field(default_factory=list)


def back_up(path: Path, keep: int | None = None, read_all: bool = True) -> BackedUp:
    """Adds a backup to a folder of backups.

    Args:
        keep: so many of the newest backups stay; None: all.
        read_all: whether what earlier backups copied is read again, and copied anew where it is damaged.

    Raises:
        Unusable: another command uses the folder, or the warehouse is not at this code's migrations.
    """
    if missing := warehouse.migrations_missing():
        raise Unusable(
            f"The warehouse is not what this version expects ({missing[0]}). Run `trust-benchmarks prepare`, then back up."
        )
    folder = Folder(path)
    folder.make()
    with folder.held():
        before, harmed = _before(folder)
        at = datetime.now(UTC)
        with warehouse.connect() as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            tables.use_exact_text(connection)
            named = connection.execute(sql.text("operations/named_objects")).fetchall()
            saved = [tables.save(connection, table, folder) for table in tables.all_tables(connection)]
            found: dict[str, Any] = {
                "form": FORM,
                "taken_at": at.isoformat(),
                "migrations": _migrations(folder),
                "tables": saved,
                "sequences": tables.sequences(connection),
                "audit": _audit(connection),
            }
        copier = _Copier(folder, before, read_all)
        found["objects"] = copier.copy(named)
        name = folder.write(found, at)
        forgotten = 0 if keep is None or harmed else folder.forget(keep)
    done = BackedUp(
        name,
        len(found["objects"]),
        len(saved),
        sum(one["rows"] for one in saved),
        sum(one["bytes"] for one in found["objects"]),
        copier.new_bytes,
        forgotten,
        [*harmed, *copier.harmed],
    )
    log.line(logger, "backed_up", folder=path, name=name, objects=done.objects, rows=done.rows, harmed=len(done.harmed))
    return done


def _audit(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """The last entry of the audit of decisions, by which `doctor` tells later that nobody has written all of it anew."""
    row = connection.execute("SELECT place, hash FROM core.audit ORDER BY place DESC LIMIT 1").fetchone()
    return {"place": row[0], "hash": row[1]} if row else {}


def _before(folder: Folder) -> tuple[list[dict[str, Any]], list[str]]:
    """The objects of the newest backup whose list is whole, and sentences about lists that are not."""
    found: list[dict[str, Any]] = []
    harmed = []
    for name in folder.names():
        try:
            found = folder.read(name)["objects"]
        except Unusable as problem:
            harmed.append(f"{problem} Remove its list; until then no older backup is removed.")
    return found, harmed


def verify(path: Path, name: str | None = None) -> list[str]:
    """Reads all that a backup holds; sentences about what is damaged or missing in it.

    Raises:
        Unusable: there is no such backup, or its list is damaged.
    """
    folder = Folder(path)
    backup = folder.read(name)
    return [
        f"{sha256} of the backup {backup['name']} is damaged or missing in {folder.path}."
        for sha256 in sorted(set(contents(backup)))
        if not folder.is_whole(sha256)
    ]


def named_hash(bucket: str, key: str) -> str | None:
    """The hash that an object's name says it has; None where it says none."""
    if bucket == "archive":
        found = re.fullmatch(r"sha256/[0-9a-f]{2}/([0-9a-f]{64})", key)
    elif bucket == "records":
        found = re.search(r"([0-9a-f]{64})\.parquet$", key)
    else:
        found = None
    return found[1] if found else None


def _migrations(folder: Folder) -> list[dict[str, Any]]:
    """The migrations that the warehouse was made by, kept as text: a later version may not have them any more."""
    kept = []
    for path in sorted((sql.FOLDER / "migrations").glob("*.sql")):
        text = path.read_bytes()
        sha256, size = folder.add(partial(_write, text))
        kept.append({"name": path.name, "sha256": sha256, "bytes": size})
    return kept


def _write(text: bytes, out: IO[bytes]) -> None:
    out.write(text)


class _Copier:
    """Copies the objects of all buckets into a folder of backups, and notes which are not what their names say.

    Attributes:
        harmed: sentences; new_bytes: what was copied.
    """

    def __init__(self, folder: Folder, before: list[dict[str, Any]], read_all: bool) -> None:
        self.folder, self.read_all = folder, read_all
        self.before = {(one["bucket"], one["key"]): one for one in before}
        self.harmed: list[str] = []
        self.new_bytes = 0

    def copy(self, named: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
        """What the list of a backup says of each object: of those in the buckets, and of those that the ledger names."""
        with ThreadPoolExecutor(8) as pool:
            tried = pool.map(lambda of: self._copy_one(*of), self._listed())
            found = {(one["bucket"], one["key"]): one for one in tried if one}
        of = settings.load()
        anew = {
            record_objects.stands_for(key) for bucket, key in found if bucket == "records"
        }  # with the same bytes or others
        for bucket, key, submissions in named:
            if (bucket, key) in found or (bucket == "records" and record_objects.stands_for(key) in anew):
                continue
            earlier = self.before.get((bucket, key))
            what = "no backup has it"
            if earlier and self.folder.is_whole(earlier["sha256"]):
                found[bucket, key] = earlier
                what = "the copy of an earlier backup is kept"
            self.harmed.append(
                f"Object {key} in bucket {getattr(of, bucket)} is gone or has changed, and {what}. It belongs to {submissions}. "
                "Run `trust-benchmarks heal`: docs/runbooks/lost-objects.md."
            )
        return list(found.values())

    def _listed(self) -> Iterator[tuple[str, objects.Listed]]:
        of = settings.load()
        for bucket in BUCKETS:
            for listed in objects.listing(getattr(of, bucket)):
                if not listed.key.startswith(DRAFTS):  # the trusts' room keeps nothing of what is not sent
                    yield bucket, listed

    def _copy_one(self, bucket: str, listed: objects.Listed) -> dict[str, Any] | None:
        """The entry of one object; None where it is not what its name says, cannot be read, or is gone."""
        known = self.before.get((bucket, listed.key))
        if known and (known["etag"], known["bytes"]) == (listed.etag, listed.size) and self._is_here(known["sha256"]):
            return known
        name, answer = getattr(settings.load(), bucket), {}

        def write(out: IO[bytes]) -> None:
            answer.update(objects.client().get_object(Bucket=name, Key=listed.key))
            for chunk in answer["Body"].iter_chunks(CHUNK):
                out.write(chunk)

        try:
            sha256, size = self.folder.add(write)
        except Exception as problem:
            if objects.reason_for_one(problem, name) is None:
                raise
            return None
        if sha256 != (named_hash(bucket, listed.key) or sha256):
            return None
        self.new_bytes += size
        return {
            "bucket": bucket,
            "key": listed.key,
            "etag": answer["ETag"].strip('"'),
            "sha256": sha256,
            "bytes": size,
            "metadata": answer.get("Metadata", {}),
            "type": answer.get("ContentType", objects.BYTES),
        }

    def _is_here(self, sha256: str) -> bool:
        return self.folder.is_whole(sha256) if self.read_all else self.folder.place(sha256).exists()
