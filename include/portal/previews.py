"""Figures before publication: a contact sees what is offered to their trust, comments, asks for a correction or signs off."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from .. import catalogue
from ..pages import entered, readable
from ..stores.refusals import Refused
from . import database, figures, pages, security, wording
from .database import Row

router = APIRouter()
DOES = {  # what a button says -> what the database notes, and what the next page says first
    "comment": ("commented", "commented"),
    "correct": ("asked for a correction", "asked"),
    "sign": ("signed off", "signed"),
}
EMPTY = {
    "comment": "Enter your comment",
    "correct": "Say which figure looks wrong and what it should be",
    "sign": "",
}
SMALL = 5e-13  # a difference that only the order of adding makes


@router.get("/previews")
def previews(request: Request, contact: security.Known) -> Response:
    """What is offered to the contact's trusts now, and what was."""
    found = [row | {"stands": wording.preview_state(row)} for row in database.rows("previews", contact.session)]
    about: dict[str, Any] = {
        "now": [row for row in found if row["is_open"]],
        "before": [row for row in found if not row["is_open"]],
        "is_sample": any(row["is_sample"] for row in found),
        "several": len(contact.codes) > 1,
    }
    return pages.page(request, "previews.html", section="figures", **about)


@router.get("/previews/{preview_id}/{provider}")
def preview(request: Request, contact: security.Known, preview_id: int, provider: str) -> Response:
    """A trust's own figures in a release that is not published yet, beside what stands."""
    one = _one(contact, preview_id, provider)
    database.ask("respond", contact.session, preview_id, provider, "looked")
    return _page(request, contact, one)


@router.post("/previews/{preview_id}/{provider}")
def respond(request: Request, contact: security.Known, form: security.Form, preview_id: int, provider: str) -> Response:
    """Notes a comment, a request for a correction or a signature."""
    one = _one(contact, preview_id, provider)
    does, words = form.get("does", ""), form.get("words", "")
    errors = _errors(form)
    if errors:
        return _page(request, contact, one, 400, words=words, errors=errors)
    says, done = DOES[does]
    link = f"{pages.room_address()}/previews/{preview_id}/{provider}"
    receipt = pages.mail("signed", one=one, now=datetime.now(UTC), link=link) if does == "sign" else ()
    try:
        database.ask("respond", contact.session, preview_id, provider, says, words, *receipt)
    except Refused as problem:
        return _page(request, contact, one, 409, words=words, errors=[("words", str(problem))])
    if does == "correct" and not catalogue.load(one["collection"]).is_national:
        return pages.go(f"/returns/{one['collection']}/{one['period']}/{provider}?done=asked")
    return pages.go(f"/previews/{preview_id}/{provider}?done={done}")


def _errors(form: dict[str, str]) -> list[tuple[str, str]]:
    """What is wrong with the form, by field."""
    does, words = form.get("does", ""), form.get("words", "")
    if does not in DOES:
        return [("words", "Choose what you want to do: comment, ask for a correction or sign off")]
    if wrong := entered.words(words, EMPTY[does]):
        return [("words", wrong)]
    if does == "sign" and form.get("sure") != "yes":
        return [("sure", "Tick the box to sign off")]
    return []


def _one(contact: security.Contact, preview_id: int, provider: str) -> Row:
    for row in database.rows("previews", contact.session):
        if (row["preview_id"], row["provider_code"]) == (preview_id, provider):
            return row
    raise HTTPException(404, "There are no such figures of your trust.")


def _page(request: Request, contact: security.Contact, one: Row, status: int = 200, **more: object) -> Response:
    asked = (contact.session, one["preview_id"], one["provider_code"])
    rows = [row | _words(row) for row in database.rows("preview_figures", *asked)]
    notes = list(dict.fromkeys(note for row in rows for note in row["notes"]))
    newer = [
        row
        for row in database.rows("previews", contact.session)
        if row["is_open"] and all(row[name] == one[name] for name in ("collection", "period", "provider_code"))
    ]
    about: dict[str, Any] = {
        "one": one | {"stands": wording.preview_state(one)},
        "newer": newer[0] if newer and not one["is_open"] else None,
        "rows": rows,
        "notes": notes,
        "changed": sum(row["is_changed"] for row in rows),
        "stands_in": next(
            ((row["stands_release_id"], row["stands_since"]) for row in rows if row["stands_since"]), None
        ),
        "said": [row for row in database.rows("preview_said", *asked) if row["response"] != "looked"],
        "words": "",
        "is_sent_by_trusts": not catalogue.load(one["collection"]).is_national,
    }
    return pages.page(request, "preview.html", status, section="figures", **(about | more))


def _words(row: Row) -> Row:
    same = row["value"] == row["stands_value"] or (
        None not in (row["value"], row["stands_value"])
        and abs(row["value"] - row["stands_value"]) <= SMALL * abs(row["value"])
    )
    rank = f"percentile {row['percentile_rank']:.0f}" if row["percentile_rank"] is not None else ""
    parts = []
    if row["rows_sent"] is not None:
        parts.append(f"{row['rows_used']:,} of {row['rows_sent']:,} rows")
    if (row["months_expected"] or 0) > 1:
        parts.append(f"{row['months_covered']} of {row['months_expected']} months")
    words = figures.words(row)
    why_no_rank = row["rank_reason"] if row["polarity"] != "neutral" and row["percentile_rank"] is None else None
    stands = {"polarity": row["polarity"], "quartile": row["stands_quartile"]}
    return words | {
        "notes": [note for note in dict.fromkeys((words["reason_words"], why_no_rank)) if note],
        "is_changed": not same,
        "rank_words": rank,
        "rests_words": ", ".join(parts),
        "stands_words": "nothing" if row["stands_release_id"] is None
        else readable.with_unit(row["stands_value"], row["unit"]) if row["stands_value"] is not None else "not shown",
        "stands_quartile_words": readable.quartile(stands) if row["stands_release_id"] else "",
    }  # fmt: skip
