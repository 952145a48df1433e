"""What trusts are told: what a severity or state means, what to do about a finding, and when."""

from datetime import datetime

from ..reference.calendar import LONDON

MEANS = {  # worst first
    "hold": "the whole return is held",
    "reject": "the row is left out",
    "warn": "warning, please check",
    "info": "for information",
}
STATES = {
    "received": "received, not checked yet",
    "accepted": "accepted",
    "accepted_with_warnings": "accepted, but some rows were left out or some values need checking",
    "held": "held: not included in published figures until it is corrected",
}
_ACTIONS = {
    "hold": "Correct this and send the whole return again. Until then, none of it is included in published figures.",
    "reject": "Correct this and send the whole return again. Until then, this row is left out.",
    "warn": "Check this value. If it is wrong, correct it and send the return again. If it is right, tell us.",
    "info": "No action needed.",
}


def day(moment: datetime | None) -> str:
    """A moment in UK time, such as '5 July 2025, 23:59'; '' for None. A moment without a zone is taken as UK time."""
    if moment is None:
        return ""
    return f"{moment.astimezone(LONDON) if moment.tzinfo else moment:%-d %B %Y, %H:%M}"


def what_to_do(severity: str, responsible: str, decision_id: int | None = None) -> str:
    """What the sender has to do about a finding.

    Args:
        severity: one of the keys of `MEANS`.
        responsible: 'trust', 'publisher' or 'us'.
        decision_id: the decision by which the finding is waived, corrected or accepted.
    """
    if decision_id is not None:
        return f"No action needed: covered by decision {decision_id}."
    if responsible == "us" and severity != "info":
        return "No action needed: we are looking into it."
    return _ACTIONS.get(severity, _ACTIONS["warn"])
