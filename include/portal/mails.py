"""What a contact was sent by mail, and what they want to be told and how."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ..messages import words
from . import database, pages, security

router = APIRouter()
ALL = "*"  # the choice for every kind that has none of its own
CHOICES = {
    "usual": "One email for each message, and one a day where there are many",
    "each": "One email for each message",
    "digest": "One email a working day",
}


@router.get("/messages")
def messages(request: Request, contact: security.Known) -> Response:
    """The last 200 messages to the contact, and the form of their choices."""
    chosen = _chosen(contact)
    about: dict[str, Any] = {
        "messages": database.rows("messages", contact.session),
        "choices": CHOICES,
        "chosen": chosen.get(ALL, "usual"),
        "kinds": {name: kind.says for name, kind in words.kinds().items() if kind.may_be_off},
        "off": {name for name, choice in chosen.items() if choice == "off"},
    }
    return pages.page(request, "messages.html", section="messages", **about)


@router.post("/messages")
def choose(contact: security.Known, form: security.Form) -> Response:
    """Notes what changed in the contact's choices."""
    chosen = _chosen(contact)
    how = form.get("how", "")
    wanted = {ALL: how} if how in CHOICES else {}
    for name, kind in words.kinds().items():
        if kind.may_be_off and (chosen.get(name) == "off") == (name in form):
            wanted[name] = wanted.get(ALL, chosen.get(ALL, "usual")) if name in form else "off"
    for name, choice in wanted.items():
        if chosen.get(name, "usual" if name == ALL else "") != choice:
            database.ask("prefer", contact.session, name, choice)
    return pages.go("/messages?done=chosen")


def _chosen(contact: security.Contact) -> dict[str, str]:
    return {row["kind"]: row["choice"] for row in database.rows("preferences", contact.session)}
