"""From a draft to the inbox and a receipt, in an order in which nothing is lost or said twice, whatever ends in between.

The database notes what is to be sent; the file is put into the inbox under a name of its own, once; then the receipt is given, and with it
its mail is queued. What was begun and has no receipt is finished by `sweep`: the file lies in the inbox, or its draft is still there,
or it is lost and the contact is told so.
"""

import hashlib
import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from psycopg.types.json import Jsonb

from ..ingest.inbox import DRAFTS
from ..records.file_check import Verdict
from ..stores import log, objects, settings
from ..stores.faults import status
from . import database, pages, wording
from .database import Row
from .security import Contact

logger = logging.getLogger(__name__)
PATIENCE = timedelta(minutes=2)  # after which a sending that has not ended is looked after
EVERY = 60.0  # seconds between two sweeps


def draft_key(contact_key: int, draft_id: str) -> str:
    """Where the object store keeps the bytes of a draft."""
    return f"{DRAFTS}{contact_key}/{draft_id}"


def send(contact: Contact, draft: Row, verdict: Verdict, answers: Sequence[Mapping[str, Any]] = ()) -> None:
    """Sends a draft that was checked; once, however often it is asked.

    Args:
        contact: who sends it.
        draft: a row of room.draft.
        verdict: what the check said.
        answers: what the contact answers to what was found, as room.begin_sending takes it.

    Raises:
        Refused: it is of another trust, or the draft is over.
        Harmed: the bytes of the draft are gone.
    """
    read_as = {
        "layout": verdict.layout,
        "verdict": verdict.state,
        "rows": verdict.rows,
        "findings": verdict.findings.height,
        "answers": len(answers),
    }
    about = (verdict.collection, verdict.period, verdict.sender, verdict.part or "")
    bucket, place = settings.load().inbox, draft_key(draft["contact_key"], draft["draft_id"])
    content = objects.whole(bucket, place, draft["sha256"])
    key = database.ask(
        "begin_sending", contact.session, draft["draft_id"], *about, Jsonb(read_as), Jsonb(list(answers))
    )
    objects.put_once(bucket, key, content)
    sent = {"collection": verdict.collection, "period": verdict.period, "sender": verdict.sender, "read_as": read_as}
    _give_receipt(draft | sent)
    objects.delete(bucket, [place])


def receipt_text(one: Row) -> str:
    """A receipt as a text to keep."""
    return pages.environment.get_template("receipt.txt").render(one=one, **_words(one))


def _give_receipt(one: Row) -> None:
    about = one | {"received_at": one.get("received_at") or datetime.now(UTC)}
    link = f"{pages.room_address()}/receipts/{one['draft_id']}"
    subject, text, html = pages.mail("receipt", one=about, link=link, receipt=receipt_text(about), **_words(about))
    database.ask("give_receipt", one["draft_id"], subject, text, html)


def _words(one: Row) -> dict[str, Any]:
    return {
        "verdict": wording.SENT[one["read_as"]["verdict"]],
        "rows": one["read_as"]["rows"],
        "findings": one["read_as"]["findings"],
        "answers": one["read_as"].get("answers", 0),
    }


def sweep(patience: timedelta = PATIENCE) -> dict[str, int]:
    """Finishes what was begun and has no receipt, and removes drafts that are over; how many of each."""
    done = {"receipts": 0, "sent": 0, "lost": 0, "removed": 0}
    bucket = settings.load().inbox
    for one in database.rows("unfinished"):
        if datetime.now(UTC) - one["began_at"] < patience:
            continue
        if not _is_there(bucket, one):
            content = _draft_of(bucket, one)
            if content is None:
                database.ask("give_up", one["draft_id"])
                done["lost"] += 1
                continue
            objects.put_once(bucket, one["inbox_key"], content)
            done["sent"] += 1
        _give_receipt(one)
        done["receipts"] += 1
    gone = [draft_key(one["contact_key"], one["draft_id"]) for one in database.rows("drafts_to_remove")]
    there = {found.key for found in objects.listing(bucket, DRAFTS)} & set(gone) if gone else set()
    objects.delete(bucket, sorted(there))
    done["removed"] = len(there)
    if any(done.values()):
        log.line(logger, "room_swept", **done)
    return done


def _is_there(bucket: str, one: Row) -> bool:
    try:
        found = objects.client().head_object(Bucket=bucket, Key=one["inbox_key"])
    except ClientError as problem:
        if status(problem) == 404:
            return False
        raise
    return bool(found["ContentLength"] == one["bytes"])


def _draft_of(bucket: str, one: Row) -> bytes | None:
    try:
        content, _ = objects.get(bucket, draft_key(one["contact_key"], one["draft_id"]))
    except ClientError as problem:
        if status(problem) == 404:
            return None
        raise
    return content if hashlib.sha256(content).hexdigest() == one["sha256"] else None


def keep_swept(stopped: threading.Event) -> None:
    """Sweeps now and every minute until it is stopped; a store that is down is asked again."""
    while True:
        try:
            sweep()
        except Exception as problem:
            log.line(logger, "room_not_swept", level=logging.ERROR, problem=log.short(problem))
        if stopped.wait(EVERY):
            return
