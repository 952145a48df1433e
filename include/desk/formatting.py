"""How the desk writes numbers, states, and the rules of a collection."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path

from ..validation import rule_wording

# States of returns, in the order of the board.
STATES = {
    "not_due": "Not due yet",
    "due": "Due",
    "late": "Late",
    "missing": "Missing",
    "received": "Received",
    "held": "Held",
    "accepted_with_warnings": "Accepted with warnings",
    "accepted": "Accepted",
}
SEVERITIES = {"hold": "Return held", "reject": "Row left out", "warn": "Warning", "info": "For information"}
RESPONSIBLE = {"trust": "The trust", "publisher": "The publisher", "us": "Us"}
# Whose turn a return or task is, as in intake.turns.
TURNS = {
    "us": "With us",
    "trust": "With the trust",
    "approver": "With the approver",
    "running": "Running",
    "nobody": "Nothing to do",
}
# What became of a trust's answer, as in intake.replies.
REPLY_STATES = {
    "open": "Waits for us",
    "proposed": "Awaiting approval",
    "accepted": "Accepted",
    "refused": "Not accepted",
    "replaced": "Answered again",
    "over": "No longer needed",
    "waiting": "File not checked yet",
}
KINDS = {
    "assign": "Assigned",
    "comment": "Comment",
    "accept": "Accept",
    "waive": "Waive",
    "correct": "Correct",
    "hold": "Put on hold",
    "return": "Return to the trust",
    "undo": "Undo",
}
PREVIEW_STATES = {
    "open": "Trusts are looking",
    "held": "Held back",
    "ended": "Time is up",
    "published": "Published",
    "replaced": "Replaced",
    "dropped": "Dropped",
}
DECISION_STATES = {
    "proposed": "Awaiting approval",
    "in_force": "In force",
    "refused": "Refused",
    "withdrawn": "Withdrawn",
    "undone": "Undone",
    "ended": "Ended",
}


def number(value: float | Decimal | None) -> str:
    """A number with commas; a fraction with at most six significant digits."""
    if value is None:
        return "none"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    value = float(value)
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) >= 1000 else f"{value:,.6g}"


def plain(word: str | None) -> str:
    """An identifier as words."""
    return (word or "").replace("_", " ")


@cache
def _common() -> Mapping[str, str]:
    path = Path(rule_wording.__file__).with_name("rules.toml")
    return {rule["id"]: rule["says"] for rule in tomllib.loads(path.read_text(encoding="utf-8"))["rule"]}


@cache
def rules_of(collection: str) -> Mapping[str, str]:
    """Rule id -> its sentence, for the rules of a collection and those that all have."""
    own: dict[str, str] = {}
    for rule in rule_wording.of(collection):
        own.setdefault(rule.id, rule.says)
    return {**_common(), **own}
