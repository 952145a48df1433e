"""Answers of trusts: listed, previewed together, accepted as decisions that a second person approves, or not accepted."""

import re
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from ..pages import entered, readable
from ..reference.calendar import LONDON
from ..stewardship import bulk, replies
from ..stewardship import preview as previews
from ..stewardship.decisions import Draft
from . import database, form_checks, pages, security
from .database import Connection, Row

router = APIRouter()
FILTERS = ("submission", "collection", "period", "provider", "rule", "state")
NOTHING = "Select at least one answer."
NO_WORDS = "Say why, so that the trust knows what to do. It reads this in its room and by email."


def _found(connection: Connection, fields: dict[str, str]) -> tuple[dict[str, str], list[Row]]:
    wanted = {name: fields.get(name, "").strip() for name in FILTERS}
    wanted["state"] = wanted["state"] or "open"
    asked = wanted | {"state": "" if wanted["state"] == "all" else wanted["state"]}
    return wanted, database.rows(connection, "replies", **asked, most=bulk.MOST)


@router.get("/replies")
def answers(request: Request, person: security.Anybody) -> Response:
    """The answers of trusts that wait for us, or those that fit the filters."""
    with database.opened() as connection:
        return _form(request, connection, dict(request.query_params))


def _form(
    request: Request, connection: Connection, fields: dict[str, str], errors: dict[str, str] | None = None
) -> Response:
    wanted, found = _found(connection, fields)
    (waiting,) = database.values(connection, "replies_waiting")
    sent = {int(name[5:]) for name in fields if re.fullmatch(r"take-[0-9]{1,18}", name)}
    return pages.page(
        request, "replies.html", 409 if errors else 200, section="queue", found=found, wanted=wanted, waiting=waiting, most=bulk.MOST,
        chosen=sent if sent or errors else {row["reply_id"] for row in found}, fields=fields, errors=errors or {}, field="choose",
        until=fields.get("until") or _in_a_year(), is_sample=any(row["is_sample"] for row in found),
        collections=[(name, readable.title(name)) for name in database.values(connection, "submitted_collections")],
    )  # fmt: skip


def _in_a_year() -> str:
    day = datetime.now(LONDON).date() + timedelta(365)
    return f"{day.day}/{day.month}/{day.year}"


def _chosen(form: dict[str, str]) -> list[int]:
    return sorted(int(name[5:]) for name in form if re.fullmatch(r"take-[0-9]{1,18}", name))[: bulk.MOST]


def _drafts(
    connection: Connection, form: dict[str, str]
) -> tuple[list[replies.Reply], dict[int, Draft], dict[int, str]]:
    """The answers that are selected, the decision of each, and why others can be none.

    Raises:
        Incomplete: something is missing or wrong; says all of it at once.
    """
    words, until, errors = form.get("words", ""), None, dict[str, str | None]()
    errors[""] = None if (chosen := _chosen(form)) else NOTHING
    errors["words"] = entered.words(words)
    try:
        until = form_checks.last_day(form.get("until", ""))
    except ValueError as problem:
        errors["until"] = str(problem)
    if wrong := {field: says for field, says in errors.items() if says}:
        raise form_checks.Incomplete(wrong)
    assert until is not None
    found = replies.get(connection, chosen)
    return found, *replies.drafts(connection, found, until, words.strip())


@router.post("/replies/preview")
def preview(request: Request, person: security.Steward, form: security.Form) -> Response:
    """What accepting the selected answers would lead to together; nothing is kept."""
    with database.opened() as connection:
        try:
            found, made, refused = _drafts(connection, form)
        except form_checks.Incomplete as problem:
            return _form(request, connection, form, problem.errors)
        return _preview(request, connection, form, found, made, refused)


def _preview(
    request: Request, connection: Connection, form: dict[str, str], found: list[replies.Reply], made: dict[int, Draft],
    refused: dict[int, str],
) -> Response:  # fmt: skip
    """The page of a preview; what was refused is taken out, and said."""
    order = [reply_id for reply_id in made if reply_id not in refused]
    together = previews.together([made[reply_id] for reply_id in order], request.state.person.name)
    refused = refused | {order[place]: words for place, words in together.refused.items()}
    by_id = {one.reply_id: one for one in found}
    shown = [(by_id[order[place]], made[order[place]]) for place in together.previews]
    after = {
        one.submission_id: one for one in together.previews.values()
    }  # the last of each return has all of its decisions
    codes = {row["provider_code"] for row in together.other_changes} | {one.sender for one, _ in shown}
    codes |= {row["provider_code"] for one in after.values() for row in one.measures}
    names = {one.submission_id: one.sender for one in found}
    errors = [
        f"Answer {key} of {by_id[key].sender} was taken out: {words}" for key, words in refused.items() if key in by_id
    ]
    kept = {name: form.get(name, "") for name in (*FILTERS, "until", "words", "refusal")}
    about: dict[str, Any] = {"after": after, "made": together, "hash_of": bulk.hash_of_cells, "senders": names}
    return pages.page(
        request, "replies_preview.html", 409 if errors else 200, section="queue", shown=shown, fields=kept, errors=errors,
        names=database.names(connection, codes), field="choose", **about,
    )  # fmt: skip


@router.post("/replies/decide")
def decide(request: Request, person: security.Steward, form: security.Form) -> Response:
    """Makes a decision of each answer that is still selected; of all of them, or none."""
    with database.opened() as connection:
        if form.get("change"):
            return _form(request, connection, form)
        try:
            found, made, refused = _drafts(connection, form)
        except form_checks.Incomplete as problem:
            return _form(request, connection, form, problem.errors)
        refused |= {
            reply_id: "its cell has changed since the preview."
            for reply_id, draft in made.items()
            if form.get(f"seen-{reply_id}", "") != bulk.hash_of_cells(draft)
        }
        try:
            if refused or not made:
                raise bulk.SomeRefused(refused)
            batch = replies.take(connection, made, person.name)
        except bulk.SomeRefused as problem:
            return _preview(request, connection, form, found, made, dict(problem.refused))
    return pages.go(request, f"/batches/{batch}", done="decided_together")


@router.post("/replies/refuse")
def refuse(request: Request, person: security.Steward, form: security.Form) -> Response:
    """Does not accept the selected answers, with a reason that the trusts read."""
    words, chosen = form.get("refusal", ""), _chosen(form)
    errors = {"": None if chosen else NOTHING, "refusal": entered.words(words, NO_WORDS)}
    with database.opened() as connection:
        wrong = {field: says for field, says in errors.items() if says}
        if not wrong:
            try:
                replies.refuse(connection, chosen, person.name, words)
            except bulk.SomeRefused as problem:
                wrong = {"": " ".join(problem.refused.values())}
        if wrong:
            return _form(request, connection, form, wrong)
    back = {name: form.get(name, "") for name in FILTERS}
    return pages.go(request, "/replies", **back, done="answers_refused")
