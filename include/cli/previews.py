"""Figures that trusts see before they are published, at the terminal: who said what, more time, hold back, offer again."""

from datetime import date

from ..reference.calendar import LONDON
from ..releases import previews, switch
from . import Refused, desk, embedded
from .output import Format, note
from .releases import approver
from .warehouse import listed as list_rows

LIST = """SELECT p.preview_id, p.collection, p.period, p.state, p.offered_at, p.ends_at, p.offered, p.looked, p.commented, p.asked, p.signed, p.release_id
FROM intake.previews p {where} ORDER BY p.preview_id DESC"""
SAID = """SELECT t.provider_code, t.provider_name, t.response, t.words, t.given_at, t.name, t.edition_number
FROM intake.preview_trusts t {where} ORDER BY t.provider_code, t.response_id"""
STATES = ("open", "held", "ended", "published", "replaced", "dropped")


def listed(state: str | None, form: Format, limit: int | None) -> None:
    """Writes the offers, newest first.

    Raises:
        Refused: there is no such state.
    """
    if state is not None and state not in STATES:
        raise Refused(f"'{state}' is not a state of a preview. Choose one of {', '.join(STATES)}.")
    list_rows(LIST, {"p.state": state}, form, limit)


def said(number: int, form: Format, limit: int | None) -> None:
    """Writes whom a release was offered to and what they did."""
    list_rows(SAID, {"t.preview_id": str(number)}, form, limit)


def extend(number: int, until: str, reason: str, user: str | None) -> None:
    """Gives the trusts more time.

    Raises:
        Refused: no right to, no reason, not a day, or it is over.
    """
    who = approver(user, reason)
    with embedded.stores(), desk.told():
        ends = previews.extend(number, _day(until), reason=reason.strip(), person=who.name)
    note(f"Preview {number}: trusts have until {ends.astimezone(LONDON):%-d %B %Y, %H:%M}.")


def hold(number: int, reason: str, user: str | None) -> None:
    """Holds a release back.

    Raises:
        Refused: no right to, no reason, or it is over.
    """
    who = approver(user, reason)
    with embedded.stores(), desk.told():
        previews.hold(number, reason=reason.strip(), person=who.name)
    note(f"Preview {number} is held back. It is not published until you offer it again or release it.")


def offer(what: str, reason: str, user: str | None) -> None:
    """Lets a release go its way through its preview.

    Raises:
        Refused: no right to, no reason, or it is not held back.
    """
    who = approver(user, reason)
    with embedded.stores(), desk.told():
        if what.isdigit():
            previews.offer_again(int(what), reason=reason.strip(), person=who.name)
        else:
            previews.let_into_preview(what, reason=reason.strip(), person=who.name)
            switch.switch()
    note(f"{what}: its trusts see it, and it is published when their time has ended.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"'{text}' is not a day. Expected one such as 2026-12-18.") from None
