"""Renders the room's pages and mails."""

import os
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from ..pages import readable, templates
from ..reference import reply_reasons
from . import security, wording

FOLDER = Path(__file__).parent
ADDRESS = "TB_ROOM_URL"  # what links in mails begin with
DONE = {  # what a page says first after a form was sent
    "answered": "We have your answers. A steward will look at them.",
    "same": "We have had these answers already, so nothing was changed.",
    "commented": "Your comment has been sent to the people who run this collection.",
    "asked": "We have noted that you ask for a correction. Check and send a new file; figures made from it take the place of those you saw.",
    "signed": "You have signed off these figures. A receipt comes by email.",
    "chosen": "Your choice has been saved.",
    "renamed": "Your name has been changed.",
    "signed_out": "You have signed out.",
    "left": "You are no longer a contact, and cannot sign in any more.",
}


environment = templates.environment(FOLDER / "templates")
environment.filters |= {
    "number": readable.number,
    "period": readable.period,
    "title_of": lambda collection: readable.title(collection, "not known"),
    "exact_text": Markup,  # in a mail as text, where nothing is to be escaped: of texts that are harmless already
}
environment.globals |= {
    "SEVERITIES": wording.SEVERITIES,
    "REPLIES": wording.REPLIES,
    "in_words": reply_reasons.in_words,
    "size": wording.size,
}


def room_address() -> str:
    """Where the room is, for links in mails: TB_ROOM_URL without a slash at its end."""
    return os.environ.get(ADDRESS, "http://127.0.0.1:8100").rstrip("/")


def is_https() -> bool:
    """Whether people reach the room by https, so that cookies go by that alone."""
    return room_address().startswith("https://")


def page(request: Request, template: str, /, status: int = 200, **about: Any) -> HTMLResponse:
    """A page.

    Args:
        request: the request that it answers.
        template: a file name in templates/.
        status: of the answer.
        **about: what the template needs, and optionally errors: [(field, sentence)].
    """
    known: dict[str, Any] = {
        "errors": [],
        "contact": getattr(request.state, "contact", None),
        "token": getattr(request.state, "token", ""),
        "section": "",
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    text = environment.get_template(template).render({**known, **about})
    response = HTMLResponse(text, status)
    if known["contact"] is None and (visit := getattr(request.state, "visit", "")):
        security.remember(response, security.VISITOR, visit, is_https())
    return response


def mail(name: str, **about: Any) -> tuple[str, str, str]:
    """A mail's subject and its bodies as text and as HTML, of templates/mail_NAME.txt and .html; the subject is the first line."""
    subject, _, text = environment.get_template(f"mail_{name}.txt").render(about).partition("\n")
    return subject, text.strip() + "\n", environment.get_template(f"mail_{name}.html").render(about)


def go(path: str) -> RedirectResponse:
    """Sends the browser to another page after a form was sent."""
    return RedirectResponse(path, 303)
