"""The words that a trust is given: what a severity means for it, what a state means, what to do about a finding, and when."""

from datetime import datetime
from zoneinfo import ZoneInfo

SEVERITIES = ("hold", "reject", "warn", "info")

MEANS = {
    "hold": "holds the whole return",
    "reject": "leaves the row out",
    "warn": "counts, to be looked at",
    "info": "for information",
}
STATES = {
    "received": "received, and not yet looked at",
    "accepted": "accepted",
    "accepted_with_warnings": "accepted, with rows left out or values to look at",
    "held": "held: nothing of it counts until this is settled",
}
_DO = {
    "hold": "Correct it and send the whole return again: none of it counts until then.",
    "reject": "Correct it and send the whole return again: the row is left out until then.",
    "warn": "Look at it: correct it and send the return again, or tell us that it is right.",
    "info": "Nothing to do.",
}


LONDON = ZoneInfo("Europe/London")


def day(moment: datetime | None) -> str:
    """A moment in words, by the clocks of London; nothing for none."""
    if moment is None:
        return ""
    return f"{moment.astimezone(LONDON) if moment.tzinfo else moment:%-d %B %Y, %H:%M}"


def what_to_do(severity: str, responsible: str, decision_id: int | None = None) -> str:
    """What whoever sent the return has to do about a finding."""
    if decision_id is not None:
        return f"Nothing to do: decision {decision_id} passes over it."
    if responsible == "us" and severity != "info":
        return "Nothing to do for you: we look into it."
    return _DO.get(severity, _DO["warn"])
