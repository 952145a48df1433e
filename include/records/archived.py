"""Archived files, and putting one back that is gone or has changed: the inbox still has what was sent."""

import logging
from pathlib import Path

import psycopg
from botocore.exceptions import ClientError

from .. import sql
from ..stores import cache, log, objects, settings

logger = logging.getLogger(__name__)


def local(connection: psycopg.Connection, archive_key: str, sha256: str) -> Path:
    """A local copy of an archived file; one that is lost or harmed is put back from the inbox first.

    Raises:
        Harmed: it cannot be had and the inbox does not have it any more; the message names the submissions.
    """
    try:
        return cache.cached(settings.load().archive, archive_key, sha256)
    except objects.Harmed as harmed:
        heal(connection, archive_key, sha256, harmed)
        return cache.cached(settings.load().archive, archive_key, sha256)


def heal(connection: psycopg.Connection, archive_key: str, sha256: str, harmed: objects.Harmed) -> None:
    """Puts an archived file back from the inbox.

    Raises:
        Harmed: no object of the inbox has these bytes.
    """
    of = settings.load()
    with connection.transaction():
        sent = connection.execute(sql.text("records/sent_as"), {"archive_key": archive_key}).fetchall()
    for inbox_key in sorted({key for _, key in sent if key}):
        try:
            found = objects.look(of.inbox, inbox_key).sha256
        except ClientError as problem:
            if objects.reason_for_one(problem, of.inbox) is None:
                raise
            continue
        if found == sha256:
            objects.stream(of.inbox, inbox_key, None, of.archive, archive_key)
            log.line(
                logger, "healed", level=logging.WARNING, bucket=of.archive, key=archive_key, source=f"inbox {inbox_key}"
            )
            return
    submissions = ", ".join(sorted({submission_id for submission_id, _ in sent}))
    raise objects.Harmed(
        harmed.bucket,
        harmed.key,
        f"{harmed.reason}; it is the file of submission {submissions}, and the inbox does not have it any more. "
        f"Put it back from a backup: {objects.HEAL}",
    ) from harmed
