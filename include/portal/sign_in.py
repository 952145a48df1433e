"""Signing in by a link that is mailed to a contact, or by an OpenID Connect provider where one is configured, and signing out."""

from collections.abc import Sequence

import structlog
from fastapi import APIRouter, HTTPException, Request, Response

from ..stores.refusals import Refused
from . import database, pages, provider, security

router = APIRouter()
LOG = structlog.get_logger()


@router.get("/sign-in")
def ask(request: Request) -> Response:
    """The form that asks for a link."""
    if request.state.contact:
        return pages.go("/")
    return _form(request)


def _form(request: Request, status: int = 200, address: str = "", errors: Sequence[tuple[str, str]] = ()) -> Response:
    about = {
        "provider": provider.name() if provider.is_configured() else "",
        "links": provider.links_are_mailed(),
        "address": address,
        "errors": list(errors),
    }
    return pages.page(request, "sign_in.html", status, **about)


@router.post("/sign-in")
def send_link(request: Request, form: security.Form) -> Response:
    """Mails a link to a contact; says the same to everybody else."""
    if not provider.links_are_mailed():
        raise HTTPException(404, f"Sign in with {provider.name()}.")
    address = form.get("mail", "").strip()[:254]
    if "@" not in address.strip("@"):
        errors = [("mail", "Enter your work email address, like name@example.nhs.uk")]
        return _form(request, 400, address, errors)
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
    return _signed_in(session)


def _signed_in(session: str) -> Response:
    response = pages.go("/")
    security.remember(response, security.SESSION, session, pages.is_https())
    response.delete_cookie(security.VISITOR, path="/")
    return response


@router.get("/sign-in/provider")
def go_to_provider(request: Request) -> Response:
    """Sends the browser to the provider, with a cookie by which its answer is known."""
    _need_provider()
    started = provider.Started.new()
    try:
        response = pages.go(provider.address(started))
    except provider.NotSignedIn as problem:
        return _not_signed_in(request, problem)
    security.remember(response, security.AT_PROVIDER, str(started), pages.is_https())
    return response


@router.get(provider.BACK)
def come_back(request: Request) -> Response:
    """Signs in the contact of the address that the provider has verified."""
    _need_provider()
    started = provider.Started.of(request.cookies.get(security.AT_PROVIDER, ""))
    try:
        mail = provider.verified_address(started, dict(request.query_params))
        session = database.ask("begin_session_of", mail, provider.name(), security.came_from(request))
        if session is None:
            raise provider.NotSignedIn(
                f"{provider.name()} signed you in as {mail}, which is not the address of a contact of a trust here. "
                "Ask the people who run this collection to add it."
            )
    except provider.NotSignedIn as problem:
        return _not_signed_in(request, problem)
    response = _signed_in(session)
    response.delete_cookie(security.AT_PROVIDER, path="/")
    return response


def _need_provider() -> None:
    if not provider.is_configured():
        raise HTTPException(404, "There is no page at this address.")


def _not_signed_in(request: Request, problem: provider.NotSignedIn) -> Response:
    LOG.warning("room_not_signed_in", provider=provider.name(), problem=str(problem.__cause__ or "")[:300])
    response = pages.page(request, "problem.html", 403, heading="You are not signed in", words=str(problem))
    response.delete_cookie(security.AT_PROVIDER, path="/")
    return response


@router.post("/sign-out")
def sign_out(request: Request, contact: security.Known) -> Response:
    """Ends the session."""
    database.ask("end_session", contact.session)
    response = pages.go("/sign-in?done=signed_out")
    response.delete_cookie(security.SESSION, path="/")
    return response
