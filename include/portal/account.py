"""What we hold about a contact: they see it, correct their name, and leave."""

from typing import Any

from fastapi import APIRouter, Request, Response

from ..stores.refusals import Refused
from . import database, pages, security

router = APIRouter()


def _page(request: Request, contact: security.Contact, status: int = 200, **more: object) -> Response:
    about: dict[str, Any] = {
        "name": contact.name,
        "errors": [],
        "trusts": database.rows("trusts", contact.session),
        "actions": database.rows("actions", contact.session),
    }
    return pages.page(request, "account.html", status, section="account", **(about | more))


@router.get("/account")
def account(request: Request, contact: security.Known) -> Response:
    """Everything that we hold about the contact."""
    return _page(request, contact)


@router.post("/account/name")
def rename(request: Request, contact: security.Known, form: security.Form) -> Response:
    """Corrects their name."""
    name = form.get("name", "")
    try:
        database.ask("rename_me", contact.session, name)
    except Refused as problem:
        return _page(request, contact, 400, name=name, errors=[("name", str(problem))])
    return pages.go("/account?done=renamed")


@router.post("/account/leave")
def leave(request: Request, contact: security.Known, form: security.Form) -> Response:
    """They are no contact any more."""
    if form.get("sure") != "yes":
        return _page(request, contact, 400, errors=[("sure", "Tick the box if you want to leave")])
    database.ask("leave", contact.session)
    response = pages.go("/sign-in?done=left")
    response.delete_cookie(security.SESSION, path="/")
    return response
