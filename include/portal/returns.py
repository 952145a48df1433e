"""What is asked of a trust and where it stands: every return, its versions, and what was found in each."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import polars as pl
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, Response
from starlette.background import BackgroundTask

from ..ingest.inbox import archive_key
from ..pages import readable
from ..reading.reading import Reading
from ..reference import reply_reasons
from ..stewardship import submitted_file, workbook
from ..stores import cache, objects, settings
from . import database, pages, security, wording
from .database import Row

router = APIRouter()
SHOWN = 13  # periods of a collection
LISTED = 100  # findings on a page
MOST_MARKED = 50_000  # findings in a workbook
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_one_at_a_time = BoundedSemaphore(1)


@router.get("/")
def returns(request: Request, contact: security.Known, all: str = "") -> Response:
    """Every return of the contact's trusts with its state, and what they must do first."""
    found = [row | {"stands": wording.state_of(row)} for row in database.rows("returns", contact.session)]
    found.sort(key=lambda row: (row["due"] is None, row["due"], row["collection"], row["sender"]))
    todo = [row for row in found if row["stands"].rank < 2]
    by_collection: dict[str, list[Row]] = {}
    for row in sorted(found, key=lambda row: (row["period"], row["sender"], row["part"]), reverse=True):
        by_collection.setdefault(row["collection"], []).append(row)
    shown = {
        name: rows if all == name else rows[:SHOWN]
        for name, rows in sorted(by_collection.items(), key=lambda one: readable.title(one[0]))
    }
    about: dict[str, Any] = {
        "todo": todo,
        "previews": database.rows("open_previews", contact.session),
        "by_collection": shown,
        "counts": {name: len(rows) for name, rows in by_collection.items()},
        "is_sample": any(row["is_sample"] for row in found),
        "several": len(contact.codes) > 1,
        "trusts": database.rows("trusts", contact.session),
    }
    return pages.page(request, "returns.html", section="returns", **about)


@router.get("/returns/{collection}/{period}/{sender}")
def one_return(request: Request, contact: security.Known, collection: str, period: str, sender: str) -> Response:
    """A return: where it stands, and its versions."""
    standing = [
        row | {"stands": wording.state_of(row)}
        for row in database.rows("returns", contact.session)
        if (row["collection"], row["period"], row["sender"]) == (collection, period, sender)
    ]
    if not standing:
        raise HTTPException(404, "There is no such return of your trust.")
    versions = [
        row for row in database.rows("submissions", contact.session, collection, period) if row["sender"] == sender
    ]
    receipts = [
        row
        for row in database.rows("receipts", contact.session)
        if (row["collection"], row["period"], row["sender"]) == (collection, period, sender)
    ]
    about: dict[str, Any] = {"standing": standing, "versions": versions, "receipts": receipts}
    return pages.page(request, "return.html", section="returns", **about)


@router.get("/submissions/{submission_id}")
def submission(request: Request, contact: security.Known, submission_id: str) -> Response:
    """A file that was received: what became of it, and each finding with its row and, where it can be answered, a form."""
    return page_of(request, contact, submission_id)


def page_of(
    request: Request,
    contact: security.Contact,
    submission_id: str,
    typed: Mapping[str, str] | None = None,
    errors: Sequence[tuple[str, str]] = (),
) -> Response:
    """The page of a submission, with answers that could not be kept and what is wrong with them: (field, sentence)."""
    one = submission_of(contact, submission_id)
    found = database.rows("findings", contact.session, submission_id, LISTED)
    counts = database.rows("finding_counts", contact.session, submission_id)
    replies = database.rows("replies", contact.session, submission_id)
    about: dict[str, Any] = {
        "one": one,
        "findings": [(finding, rows) for finding, rows in zip(found, _around(one, found), strict=True)],
        "total": sum(row["findings"] for row in counts),
        "decisions": database.rows("decisions", contact.session, submission_id),
        "answerable": {row["finding_id"]: row for row in database.rows("answerable", contact.session, submission_id)},
        "replies": replies,
        "last": {row["finding_id"]: row for row in reversed(replies) if row["finding_id"]},
        "not_read": database.rows("replies_not_read", contact.session, submission_id),
        "reasons": reply_reasons.reasons(),
        "typed": typed or {},
        "errors": list(errors),
    }
    return pages.page(request, "submission.html", 400 if errors else 200, section="returns", **about)


@router.get("/submissions/{submission_id}/workbook.xlsx")
def marked(contact: security.Known, submission_id: str) -> Response:
    """The file as a workbook with the findings marked in it."""
    one = submission_of(contact, submission_id)
    found = database.rows("findings", contact.session, submission_id, MOST_MARKED)
    about = submitted_file.Submission(
        **{name: one[name] for name in submitted_file.Submission.__dataclass_fields__ if name in one}
    )
    return workbook_response(_content(one), about, frame(found))


@router.get("/submissions/{submission_id}/original")
def original(contact: security.Known, submission_id: str) -> Response:
    """The file as it was sent, byte for byte. The browser never shows it, it only saves it."""
    one = submission_of(contact, submission_id)
    database.ask("note", contact.session, "took a file", one["file_name"])
    return Response(_content(one), media_type="application/octet-stream", headers=attachment(one["file_name"]))


def submission_of(contact: security.Contact, submission_id: str) -> Row:
    """A submission of the contact's trusts.

    Raises:
        HTTPException: 404.
    """
    one = database.first("submission", contact.session, submission_id)
    if one is None:
        raise HTTPException(404, "There is no such file of your trust.")
    return one


def _content(one: Row) -> bytes:
    try:
        return cache.content(settings.load().archive, archive_key(one["sha256"]), one["sha256"])
    except objects.TooLarge as problem:
        raise HTTPException(409, "The file is too large to be shown here.") from problem


def _around(one: Row, found: list[Row]) -> list[submitted_file.Around | None]:
    """The rows of the findings in the file; none where no finding has a place."""
    if all(row["line"] is None for row in found):
        return [None] * len(found)
    return submitted_file.lines_around(
        reading_of(one), [(row["sheet"], row["line"], row["column_name"]) for row in found]
    )


def reading_of(one: Row) -> Reading:
    """A submission's file as it is read."""
    return submitted_file.as_sent(_content(one), one["file_name"], one["collection"])


def frame(found: list[Row]) -> pl.DataFrame:
    """Findings as the workbook takes them."""
    rows = [{name: row.get(name) for name in workbook.FINDINGS} for row in found]
    return pl.DataFrame(rows, schema=workbook.FINDINGS)


def workbook_response(content: bytes, about: submitted_file.Submission, found: pl.DataFrame) -> Response:
    """A file as a workbook with its findings marked, to be saved.

    Raises:
        HTTPException: it has more rows than a workbook can hold.
    """
    folder = tempfile.mkdtemp(prefix="room-")
    out = Path(folder) / "workbook.xlsx"
    try:
        with _one_at_a_time:
            workbook.build_from(content, about, found, out)
    except BaseException as problem:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(problem, workbook.TooLarge):
            raise HTTPException(409, str(problem)) from problem
        raise
    headers = attachment(workbook.name_of(about.collection, about.sender, about.period))
    return FileResponse(out, media_type=XLSX, headers=headers, background=BackgroundTask(shutil.rmtree, folder, True))


def attachment(name: str) -> dict[str, Any]:
    """The header by which a browser saves an answer under a name and shows nothing of it."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._- ") else "_" for letter in name)
    return {"Content-Disposition": f'attachment; filename="{plain[-150:]}"'}
