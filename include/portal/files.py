"""Check and send: a file is uploaded, checked as the pipeline would, shown with what was found, and kept only when it is sent."""

import hashlib
import re
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import polars as pl
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from .. import catalogue
from ..pages import readable
from ..reading.harmless import UNSEEN
from ..reading.raw_table import MAX_BYTES
from ..reading.reading import Reading
from ..records import file_check
from ..records.file_check import Verdict
from ..reference import reply_reasons
from ..stewardship import submitted_file
from ..stores import objects, settings
from ..stores.refusals import Refused
from . import answers, database, pages, returns, security, sending, wording
from .database import Row

router = APIRouter()
LISTED = 100  # findings on a page
ENDINGS = (".csv", ".xlsx", ".xls")
AT_ONCE = 2  # files that are checked at the same time
PATIENCE = 45.0  # seconds that a file waits for its turn
KEPT = 16  # verdicts that are kept for the next page
_turn = threading.BoundedSemaphore(AT_ONCE)
_kept: OrderedDict[str, "Checked"] = OrderedDict()
_guard = threading.Lock()


@dataclass(frozen=True)
class Checked:
    """What was found in a draft.

    Attributes:
        findings: the first of them, as templates show them, each with its row in the file.
    """

    verdict: Verdict
    findings: list[tuple[dict[str, Any], submitted_file.Around | None]]


@router.get("/send")
def choose(request: Request, contact: security.Known, collection: str = "") -> Response:
    """The form in which a file is chosen."""
    return _form(request, collection)


def _form(request: Request, collection: str, status: int = 200, error: str = "") -> Response:
    about: dict[str, Any] = {
        "collections": {name: one.title for name, one in catalogue.all().items() if not one.is_national},
        "chosen": collection,
        "errors": [("file", error)] if error else [],
        "most": f"{MAX_BYTES >> 20} MB",
    }
    return pages.page(request, "send.html", status, section="send", **about)


@router.post("/send")
def check(request: Request, contact: security.Known, form: security.Form, upload: security.Upload) -> Response:
    """Checks the chosen file and keeps it for this session, for two hours at most."""
    collection = form.get("collection", "")
    if collection and (collection not in catalogue.all() or catalogue.load(collection).is_national):
        return _form(request, "", 400, "Choose one of the returns in the list")
    if upload is None:
        return _form(request, collection, 400, "Choose a file")
    name = _file_name(upload.filename or "")
    if not name.lower().endswith(ENDINGS):
        return _form(request, collection, 400, "Choose a file whose name ends in .csv, .xlsx or .xls")
    content = upload.file.read(MAX_BYTES + 1)
    if not content:
        return _form(request, collection, 400, f"{name} is empty. Choose another file")
    if len(content) > MAX_BYTES:
        return _form(
            request, collection, 413, f"{name} is larger than {MAX_BYTES >> 20} MB. Send only the rows of the return"
        )
    draft_id = secrets.token_hex(12) + (f"-{collection}" if collection else "")
    database.ask("add_draft", contact.session, draft_id, name, hashlib.sha256(content).hexdigest(), len(content))
    objects.put_once(settings.load().inbox, sending.draft_key(contact.contact_key, draft_id), content)
    _checked(draft_id, name, content)
    return pages.go(f"/send/{draft_id}")


def _file_name(given: str) -> str:
    """The last part of the name that a browser gave, as a name for an object store: no path, nothing unseen, not too long."""
    name = re.sub(f"[{UNSEEN}]", "_", re.split(r"[/\\]", given)[-1]).strip() or "file"
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:120]}{dot}{ending[:10]}" if dot else name[:120]


@router.get("/send/{draft_id}")
def checked(request: Request, contact: security.Known, draft_id: str) -> Response:
    """What was found in the file, a form to answer it, and whether it can be sent."""
    draft = _draft(contact, draft_id)
    if _is_sent(contact, draft_id):
        return pages.go(f"/receipts/{draft_id}")
    return _page(request, contact, draft, {}, [])


def _page(
    request: Request, contact: security.Contact, draft: Row, typed: dict[str, str], errors: list[tuple[str, str]]
) -> Response:
    found = _of(draft)
    refusal = why_not(found.verdict, contact)
    about: dict[str, Any] = {
        "draft": draft,
        "verdict": found.verdict,
        "says": wording.VERDICTS[found.verdict.state],
        "findings": found.findings,
        "total": found.verdict.findings.height,
        "why_not": refusal,
        "answerable": {} if refusal else _answerable(found),
        "reasons": reply_reasons.reasons(),
        "typed": typed,
        "errors": errors,
    }
    return pages.page(request, "checked.html", 400 if errors else 200, section="send", **about)


def _answerable(found: Checked) -> dict[str, dict[str, bool]]:
    """How each finding may be answered, by its id; as room.answerable says it of what was received."""
    never = {row["rule_id"] for row in database.rows("never_confirmed")}
    may = {
        row["finding_id"]: {
            "may_confirm": row["rule_id"] not in never,
            "may_correct": row["scope"] in ("cell", "row") and row["line"] is not None and bool(row["column_name"]),
        }
        for row, _ in found.findings
        if row["severity"] != "info" and row["responsible"] == "trust"
    }
    return {finding_id: how for finding_id, how in may.items() if any(how.values())}


@router.get("/send/{draft_id}/workbook.xlsx")
def marked(contact: security.Known, draft_id: str) -> Response:
    """The file as a workbook with everything marked, before it was sent."""
    draft = _draft(contact, draft_id)
    verdict = _of(draft).verdict
    if verdict.collection is None:
        raise HTTPException(409, "It is not known what return this is, so nothing can be marked in it.")
    about = submitted_file.Submission(
        submission_id="",
        sha256=draft["sha256"],
        collection=verdict.collection,
        file_name=draft["file_name"],
        period=verdict.period,
        sender=verdict.sender,
        state=verdict.state,
        rows_read=verdict.rows["read"],
        rows_recorded=verdict.rows["recorded"],
        rows_rejected=verdict.rows["rejected"],
        rows_held=verdict.rows["held"],
    )
    return returns.workbook_response(_content(draft), about, verdict.findings)


@router.post("/send/{draft_id}")
def send(request: Request, contact: security.Known, form: security.Form, draft_id: str) -> Response:
    """Sends the file with what is answered to what was found in it. Sent again, it leads to the same receipt."""
    if _is_sent(contact, draft_id):
        return pages.go(f"/receipts/{draft_id}")
    draft = _draft(contact, draft_id)
    checked = _of(draft)
    if sentence := why_not(checked.verdict, contact):
        raise HTTPException(409, sentence)
    said, errors = _answers(form, draft, checked)
    if errors:
        return _page(request, contact, draft, form, errors)
    try:
        sending.send(contact, draft, checked.verdict, said)
    except Refused as problem:
        return _page(request, contact, draft, form, [("send", str(problem))])
    except objects.Harmed as problem:
        raise HTTPException(409, "The file is no longer here. Choose it and check it again.") from problem
    with _guard:
        _kept.pop(draft_id, None)
    return pages.go(f"/receipts/{draft_id}")


def _answers(form: dict[str, str], draft: Row, checked: Checked) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """What a form answers, each with the finding that it is about, and what is wrong with it: (field, sentence)."""
    may = _answerable(checked)
    found = {row["finding_id"]: row for row, _ in checked.findings if row["finding_id"] in may}

    def reading() -> Reading:
        return submitted_file.as_sent(_content(draft), draft["file_name"], checked.verdict.collection or "")

    given, errors = answers.given_in(form, found, reading)
    about = ("rule_id", "sheet", "line", "column_name", "raw_value", "message")
    said = [reply | {name: found[str(reply["finding_id"])][name] for name in about} for reply in given]
    return said, errors


@router.get("/receipts")
def receipts(request: Request, contact: security.Known) -> Response:
    """Receipts of everything that was sent from this room for the contact's trusts."""
    found = database.rows("receipts", contact.session)
    return pages.page(request, "receipts.html", section="receipts", receipts=found)


@router.get("/receipts/{draft_id}")
def receipt(request: Request, contact: security.Known, draft_id: str) -> Response:
    """One receipt."""
    one = _receipt(contact, draft_id)
    says = wording.SENT[one["read_as"]["verdict"]]
    return pages.page(request, "receipt.html", section="receipts", one=one, says=says)


@router.get("/receipts/{draft_id}/receipt.txt")
def receipt_file(contact: security.Known, draft_id: str) -> Response:
    """One receipt, to keep."""
    one = _receipt(contact, draft_id)
    if one["received_at"] is None:
        raise HTTPException(404, "There is no receipt of this file yet. Load the page again in a minute.")
    name = f"receipt_{one['collection']}_{one['sender']}_{one['period']}.txt"
    return Response(sending.receipt_text(one), media_type="text/plain; charset=utf-8", headers=returns.attachment(name))


def why_not(verdict: Verdict, contact: security.Contact) -> str:
    """Why a file cannot be sent by this contact; empty where it can be, also where it would be stopped afterwards."""
    mine = " or ".join(contact.codes)
    if verdict.collection is None:
        return "We could not tell which return this is. Use the template of the return, or choose the return in the list when you check the file."
    if catalogue.load(verdict.collection).is_national:
        return f"{readable.title(verdict.collection)} comes from its publisher. Trusts do not send it."
    if verdict.sender is None:
        return f"We could not tell which trust the file is from. Put your ODS code ({mine}) where the template has it."
    if verdict.sender not in contact.codes:
        return f"The file is from {verdict.sender}, which is not your trust. You can send files of {mine} only."
    if verdict.period is None:
        return "We could not tell which period the file is about. Put the period where the template has it, such as 2025-06."
    return ""


def _draft(contact: security.Contact, draft_id: str) -> Row:
    one = database.first("draft", contact.session, draft_id)
    if one is None:
        raise HTTPException(404, "This file is no longer here. Nothing of it was kept. Choose it and check it again.")
    return one


def _is_sent(contact: security.Contact, draft_id: str) -> bool:
    return database.first("receipts", contact.session, draft_id) is not None


def _receipt(contact: security.Contact, draft_id: str) -> Row:
    one = database.first("receipts", contact.session, draft_id)
    if one is None:
        raise HTTPException(404, "There is no such receipt of your trust.")
    return one


def _of(draft: Row) -> Checked:
    with _guard:
        if found := _kept.get(draft["draft_id"]):
            return found
    return _checked(draft["draft_id"], draft["file_name"], _content(draft))


def _content(draft: Row) -> bytes:
    key = sending.draft_key(draft["contact_key"], draft["draft_id"])
    try:
        return objects.whole(settings.load().inbox, key, draft["sha256"])
    except objects.Harmed as problem:
        raise HTTPException(404, "This file is no longer here. Choose it and check it again.") from problem


def _checked(draft_id: str, name: str, content: bytes) -> Checked:
    """Checks a file; a few at a time, so that many who send at once do not take all memory."""
    if not _turn.acquire(timeout=PATIENCE):
        raise HTTPException(503, "Many files are being checked. Nothing was kept. Try again in a minute.")
    try:
        collection = draft_id.partition("-")[2] or None
        verdict = file_check.check(content, name, collection=collection)
        found = [dict(row) for row in _gravest(verdict.findings).iter_rows(named=True)]
        rows = _rows_of(content, name, verdict, found)
    finally:
        _turn.release()
    for number, row in enumerate(found):
        row |= {"is_passed_over": False, "finding_id": f"f{number}"}
    made = Checked(verdict, list(zip(found, rows, strict=True)))
    with _guard:
        _kept[draft_id] = made
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return made


def _gravest(findings: pl.DataFrame) -> pl.DataFrame:
    """The findings that are listed on a page: what stops the return first, then in the order of the file."""
    rank = pl.col("severity").replace_strict(
        {name: place for place, name in enumerate(wording.SEVERITIES)}, return_dtype=pl.Int8
    )
    return findings.sort(rank, maintain_order=True).head(LISTED)


def _rows_of(
    content: bytes, name: str, verdict: Verdict, found: list[dict[str, Any]]
) -> list[submitted_file.Around | None]:
    if verdict.collection is None or all(row["line"] is None for row in found):
        return [None] * len(found)
    reading = submitted_file.as_sent(content, name, verdict.collection)
    return submitted_file.lines_around(reading, [(row["sheet"], row["line"], row["column_name"]) for row in found])
