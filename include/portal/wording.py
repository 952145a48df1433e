"""How the room says things to a trust: states of returns, answers and offers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..pages import readable

SEVERITIES = {  # tag and its colour
    "hold": ("Stops the return", "red"),
    "reject": ("Row left out", "orange"),
    "warn": ("Please check", "yellow"),
    "info": ("For information", "grey"),
}
REPLIES = {  # what became of an answer: tag, its colour, and a sentence
    "waiting": ("With us", "blue", "We read it when your file has been checked."),
    "open": ("With us", "blue", "A steward will look at it."),
    "proposed": ("With us", "blue", "A steward agrees; a second person must approve it."),
    "accepted": ("Accepted", "green", ""),
    "refused": ("Not accepted", "orange", ""),
    "replaced": ("Replaced", "grey", "You answered again later."),
    "over": ("Not needed", "grey", "The finding is gone, or a newer version has come."),
}
VERDICTS = {
    "accepted": "Nothing is wrong with it",
    "accepted_with_warnings": "It can be used, with points to check",
    "held": "Something would stop it",
}

SENT = {  # the same of a file that was sent
    "accepted": "Nothing is wrong with it",
    "accepted_with_warnings": "It can be used, with points to check",
    "held": "Something stops it until it is answered or corrected",
}


class State(NamedTuple):
    """Where a return stands.

    Attributes:
        tag: in two or three words.
        colour: of the tag, in the words of the NHS design system.
        says: a sentence.
        rank: 0 where the trust must do something now, 1 where it is due, 2 otherwise.
    """

    tag: str
    colour: str
    says: str
    rank: int = 2


def state_of(row: Mapping[str, Any]) -> State:
    """Where a return of room.returns stands, in plain words."""
    if row["submission_id"] is None:
        return _not_sent(row)
    if row["replies"] and not row["refused_replies"] and row["state"] != "received":
        return State("With us", "blue", "A steward is looking at your answers. You need to do nothing.")
    if row["is_returned"]:
        return State("With you", "orange", "We sent it back to you. Correct it and send it again.", 0)
    if row["state"] == "received":
        return State("Being checked", "blue", "We are checking it. This takes some minutes.")
    if row["state"] == "held":
        kept = " Until then the version before it is used." if row["counting"] else " Until then it is not used."
        if row["refused_replies"]:
            return State(
                "With you",
                "orange",
                "We could not accept an answer of yours. Look why, and answer again or send a new file." + kept,
                0,
            )
        if row["is_proposed"] or not row["waits_for_trust"]:
            return State("With us", "blue", "A steward is looking at it. You need to do nothing.")
        return State(
            "With you",
            "orange",
            "Something stops it. Look at what we found, and answer it or send a new file." + kept,
            0,
        )
    if row["release_id"]:
        return State(
            "Published", "green", f"In release {row['release_id']}, since {readable.day(row['published_at'])}."
        )
    return State("Accepted", "aqua-green", "It will be in the next release.")


def _not_sent(row: Mapping[str, Any]) -> State:
    due, closes = readable.day(row["due"]), readable.day(row["closes"])
    if row["state"] == "missing":
        return State("Not sent", "grey", f"It closed on {closes}. You can still send it, for later releases.")
    if row["state"] == "late":
        return State("Late", "red", f"It was due on {due}." + (f" Send it by {closes}." if closes else ""), 0)
    if row["state"] == "due":
        return State("Due", "yellow", f"Send it by {due}.", 1)
    return State("Not due yet", "grey", f"Due on {due}." if due else "It has no deadline yet.")


def preview_state(row: Mapping[str, Any]) -> State:
    """Where figures of room.previews stand, before they are published."""
    ends = readable.when(row["ends_at"])
    signed = row["signed_at"] is not None
    if row["state"] == "published":
        return State("Published", "green", f"Since {readable.day(row['closed_at'])}.")
    if row["state"] == "replaced":
        return State("Replaced", "grey", "Newer figures have taken their place.")
    if row["state"] == "dropped":
        return State("Not published", "grey", "What was published already is right again.")
    if row["state"] == "held":
        return State("Held back", "blue", "We hold these figures back. They are not published until we tell you.")
    if row["state"] == "ended":
        return State("Time is up", "grey", "They are published with the next release.")
    if signed:
        return State("Signed off", "green", f"They are published on {ends}.")
    return State("With you", "orange", f"They are published on {ends}. Until then you can look and answer.", 0)


def size(count: int) -> str:
    """Bytes in words."""
    return (
        f"{count / 1_048_576:.1f} MB"
        if count >= 1_048_576
        else f"{max(1, round(count / 1024))} KB"
        if count
        else "0 KB"
    )
