"""Answers to findings: the figure is right, for a reason of a list, or the cell should say something else. A steward decides on each."""

import re
from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response
from psycopg.types.json import Jsonb

from ..pages import entered
from ..reading.reading import Reading
from ..reference import reply_reasons
from ..stores.refusals import Refused
from ..validation import one_cell
from . import database, pages, returns, security
from .database import Row

router = APIRouter()
LONGEST = 500  # characters of a note or a value
FIELDS = ("kind", "reason", "value", "note")  # of each finding's answer; a field's name ends with the finding's id


@router.post("/submissions/{submission_id}/answers")
def answer(request: Request, contact: security.Known, form: security.Form, submission_id: str) -> Response:
    """Keeps the answers of a form, all or none."""
    one = returns.submission_of(contact, submission_id)
    found = {
        row["finding_id"]: row for row in database.rows("findings", contact.session, submission_id, returns.LISTED)
    }
    given, errors = given_in(form, found, lambda: returns.reading_of(one))
    if not given and not errors:
        errors = [("answers", "Answer at least one finding")]
    if errors:
        return returns.page_of(request, contact, submission_id, form, errors)
    said = [(found[str(reply["finding_id"])], reply) for reply in given]
    mail = pages.mail("replied", one=one, said=said, link=f"{pages.room_address()}/submissions/{submission_id}")
    try:
        added = database.ask("reply", contact.session, submission_id, Jsonb(given), *mail)
    except Refused as problem:
        return returns.page_of(request, contact, submission_id, form, [("answers", str(problem))])
    return pages.go(f"/submissions/{submission_id}?done={'answered' if added else 'same'}")


def given_in(
    form: Mapping[str, str], found: Mapping[str, Row], reading: Callable[[], Reading]
) -> tuple[list[dict[str, str | None]], list[tuple[str, str]]]:
    """The answers that a form gives, as the database takes them, and what is wrong: (field, sentence), in the order of the page.

    Args:
        form: the fields, those of a finding ending with its id.
        found: the findings by id, in the order of the page.
        reading: gives the file as it is read; called only where a value must be checked.
    """
    given, errors = list[dict[str, str | None]](), list[tuple[str, str]]()
    for finding_id, finding in found.items():
        fields = {name: form.get(f"{name}-{finding_id}", "").strip() for name in FIELDS}
        if not any(fields.values()):
            continue
        wrong = _wrong(fields, finding, reading)
        errors += [(f"{name}-{finding_id}", words) for name, words in wrong.items() if words]
        is_correction = fields["kind"] == "correct"
        given.append(
            {
                "finding_id": finding_id,
                "kind": fields["kind"],
                "reason_code": None if is_correction else fields["reason"],
                "new_value": fields["value"] if is_correction else None,
                "note": re.sub(r"\s+", " ", fields["note"]),
            }
        )
    return given, errors


def _wrong(fields: Mapping[str, str], finding: Row, reading: Callable[[], Reading]) -> dict[str, str | None]:
    if fields["kind"] not in ("confirm", "correct"):
        return {"kind": "Choose whether it is right or should be corrected"}
    if fields["kind"] == "correct":
        return {
            "value": _wrong_value(fields["value"], finding, reading()),
            "note": entered.words(fields["note"], longest=LONGEST),
        }
    reason = reply_reasons.reasons().get(fields["reason"])
    if reason is None:
        return {"reason": "Choose why it is right", "note": entered.words(fields["note"], longest=LONGEST)}
    return {"note": entered.words(fields["note"], reason.asks, LONGEST)}


def _wrong_value(text: str, finding: Row, reading: Reading) -> str | None:
    if text == (finding["raw_value"] or "").strip():
        return "Enter the correct value. This is what your file says already." if text else "Enter the correct value"
    if len(text) > LONGEST:
        return f"Enter at most {LONGEST} characters"
    return one_cell.wrong(reading, finding["sheet"], finding["column_name"], text)
