"""Signing in by a link that is mailed to a contact, and signing out."""

from fastapi import APIRouter, Request, Response

from ..stores.refusals import Refused
from . import database, pages, security

router = APIRouter()


@router.get("/sign-in")
def ask(request: Request) -> Response:
    """The form that asks for a link."""
    if request.state.contact:
        return pages.go("/")
    return pages.page(request, "sign_in.html", address="")


@router.post("/sign-in")
def send_link(request: Request, form: security.Form) -> Response:
    """Mails a link to a contact; says the same to everybody else."""
    address = form.get("mail", "").strip()[:254]
    if "@" not in address.strip("@"):
        errors = [("mail", "Enter your work email address, like name@example.nhs.uk")]
        return pages.page(request, "sign_in.html", 400, address=address, errors=errors)
    link = f"{pages.room_address()}/link/{{link}}"  # the database puts the token there
    subject, text, html = pages.mail("sign_in_link", link=link)
    try:
        database.ask("ask_for_link", address, security.came_from(request), subject, text, html)
    except Refused as problem:
        return pages.page(request, "problem.html", 429, heading="Please wait", words=str(problem))
    return pages.page(request, "check_mail.html", address=address)


@router.get("/link/{token}")
def link(request: Request, token: str) -> Response:
    """The page of a link. It signs nobody in yet: programs that look at mails open links too."""
    return pages.page(request, "link.html", link=token[:200])


@router.post("/link")
def use(request: Request, form: security.Form) -> Response:
    """Signs in by a link that was not used yet."""
    session = database.ask("begin_session", form.get("link", ""), security.came_from(request))
    if session is None:
        return pages.page(request, "link_over.html", 403)
    response = pages.go("/")
    security.remember(response, security.SESSION, session, pages.is_https())
    response.delete_cookie(security.VISITOR, path="/")
    return response


@router.post("/sign-out")
def sign_out(request: Request, contact: security.Known) -> Response:
    """Ends the session."""
    database.ask("end_session", contact.session)
    response = pages.go("/sign-in?done=signed_out")
    response.delete_cookie(security.SESSION, path="/")
    return response
