"""Looks at every object that the ledger names, and puts back what is lost or harmed: from the inbox, the archived files or a backup."""

import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from .. import sql
from ..records import archived, healing, record_objects
from ..stores import log, objects, settings, warehouse
from .folder import Folder

logger = logging.getLogger(__name__)


@dataclass
class Healed:
    """What was looked at, and a sentence for each object that was put back and each that could not be."""

    looked_at: int
    healed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def heal(backups: Path | None = None, only_look: bool = False) -> Healed:
    """Reads every archived file and every object of records, and puts back what is gone or has changed.

    Args:
        backups: a folder of backups, for what cannot be had otherwise.
        only_look: whether to put nothing back.

    Raises:
        Unusable: the folder holds no backup, or its newest is damaged.
    """
    folder = Folder(backups) if backups else None
    if folder:
        folder.read()
    with warehouse.connect() as connection:
        named = connection.execute(sql.text("operations/named_objects")).fetchall()
        hashes = dict(connection.execute("SELECT archive_key, sha256 FROM core.submission").fetchall())
        connection.commit()
        done = Healed(len(named))
        with ThreadPoolExecutor(8) as pool:
            looked = list(pool.map(lambda one: _look(one[0], one[1], hashes), named))
        # The archive first: records are made anew of it.
        for (bucket, key, submissions), harmed in sorted(zip(named, looked, strict=True), key=lambda one: one[0]):
            if harmed is None:
                continue
            if only_look:
                done.lost.append(
                    f"Object {key} in bucket {harmed.bucket} {harmed.reason}. It belongs to {submissions}."
                )
                continue
            try:
                source = _put_back(connection, bucket, harmed, hashes, folder)
                connection.commit()
                done.healed.append(
                    f"Object {key} in bucket {harmed.bucket} {harmed.reason}; it was put back from {source}."
                )
            except objects.Harmed as problem:
                done.lost.append(str(problem))
    log.line(logger, "looked_after", looked_at=done.looked_at, healed=len(done.healed), lost=len(done.lost))
    return done


def _look(bucket: str, key: str, hashes: dict[str, str]) -> objects.Harmed | None:
    """What is wrong with an object; None: nothing."""
    of = settings.load()
    try:
        if bucket == "archive":
            objects.check(of.archive, key, hashes[key])
        else:
            objects.whole(of.records, key, Path(key).stem)
    except objects.Harmed as harmed:
        return None if bucket == "records" and _is_beside(key) else harmed
    return None


def _is_beside(key: str) -> bool:
    """Whether an object of records was made anew with other bytes, which are read in its place."""
    for other in record_objects.made_anew(key):
        with contextlib.suppress(objects.Harmed):
            objects.whole(settings.load().records, other, Path(other).stem)
            return True
    return False


def _put_back(
    connection: psycopg.Connection[Any],
    bucket: str,
    harmed: objects.Harmed,
    hashes: dict[str, str],
    backups: Folder | None,
) -> str:
    """Puts one object back; says where it came from."""
    sha256 = hashes[harmed.key] if bucket == "archive" else Path(harmed.key).stem
    try:
        if bucket == "archive":
            archived.heal(connection, harmed.key, sha256, harmed)
            return "the inbox"
        healing.heal(connection, harmed)
        return "the archived files"
    except objects.Harmed:
        if backups is None or not backups.is_whole(sha256):
            raise
    place = str(backups.place(sha256))
    objects.client().upload_file(place, harmed.bucket, harmed.key, ExtraArgs={"ContentType": objects.BYTES})
    return "a backup"
