"""Figures before publication: who looked and what they said; an approver publishes earlier, holds back, or gives more time."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from ..pages import entered
from ..releases import editions, previews, switch
from ..releases.previews import Preview
from ..stores import warehouse
from . import database, form_checks, pages, security

router = APIRouter()
NO_DAY = "Enter the day on which the figures are published, such as 31/3/2027."
UNDECIDED = ("open", "held", "ended")


@router.get("/previews")
def previews_list(request: Request, person: security.Steward) -> Response:
    """Every release that trusts see or saw first."""
    with database.opened() as connection:
        found = database.rows(connection, "previews")
    return pages.page(
        request, "previews.html", section="board", previews=found, is_sample=any(row["is_sample"] for row in found)
    )


@router.get("/previews/{preview_id}")
def preview_window(request: Request, person: security.Steward, preview_id: int) -> Response:
    """One offer: each trust, and what it said."""
    return _page(request, preview_id)


def _page(
    request: Request, preview_id: int, status: int = 200, errors: dict[str, str] | None = None, **entered: str
) -> Response:
    with database.opened() as connection:
        found = database.rows(connection, "preview", preview_id=preview_id)
        if not found:
            raise LookupError(f"There is no preview {preview_id}.")
        trusts = database.rows(connection, "preview_trusts", preview_id=preview_id)
    (one,) = found
    return pages.page(
        request, "preview_window.html", status, section="board", one=one, trusts=trusts, errors=errors or {},
        entered={"reason": "", "until": ""} | entered, is_sample=one["is_sample"],
        judges=request.state.person.may_approve and one["state"] in UNDECIDED,
    )  # fmt: skip


@router.post("/previews/{preview_id}")
def decide(request: Request, person: security.Approver, form: security.Form, preview_id: int) -> Response:
    """Publishes now, holds back, offers again, or gives the trusts more time; each with a reason."""
    reason, until, does = form.get("reason", "").strip(), form.get("until", ""), form.get("does", "")
    with warehouse.connect() as connection:
        try:
            one = previews.get(connection, preview_id)
        except editions.Unknown:
            raise LookupError(f"There is no preview {preview_id}.") from None
    errors = {"reason": wrong} if (wrong := entered.words(reason, form_checks.NO_REASON)) else {}
    do, problem = _action(does, one, until)
    if problem:
        errors |= problem
    if errors or do is None:
        return _page(request, preview_id, 400, errors, reason=reason, until=until)
    try:
        do(reason, person.name)
    except editions.Unknown as refused:
        return _page(request, preview_id, 409, {"": str(refused)}, reason=reason, until=until)
    return pages.go(request, f"/previews/{preview_id}", done=f"preview_{does}")


def _action(does: str, one: Preview, until: str) -> tuple[Callable[[str, str], object] | None, dict[str, str]]:
    """What a button does, given a reason and a person; or what is wrong, by field."""
    number = one.preview_id
    if does == "release":
        return lambda reason, person: switch.let_through(one.release_id, reason=reason, person=person), {}
    if does == "hold":
        return lambda reason, person: previews.hold(number, reason=reason, person=person), {}
    if does == "offer":
        return lambda reason, person: previews.offer_again(number, reason=reason, person=person), {}
    if does != "extend":
        return None, {"": "Select what to do."}
    try:
        day = form_checks.day(until)
    except ValueError:
        return None, {"until": NO_DAY}
    if previews.end_on(one, day) <= one.ends_at:
        return None, {"until": "Enter a later day: trusts are only ever given more time."}
    return lambda reason, person: previews.extend(number, day, reason=reason, person=person), {}
