"""The reasons that a trust may give for a figure that is right (reply_reasons.toml), and replies in words."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Reason:
    """A reason.

    Attributes:
        says: what the trust chooses.
        asks: what its note must say; '' where the note may be empty.
    """

    code: str
    says: str
    asks: str = ""


@cache
def reasons() -> dict[str, Reason]:
    """The reasons by code, in the order in which they are offered."""
    file = Path(__file__).with_name("reply_reasons.toml")
    return {one["code"]: Reason(**one) for one in tomllib.loads(file.read_text(encoding="utf-8"))["reason"]}


def by_words(text: str) -> Reason | None:
    """The reason that says this, however it is spaced and cased; None where none does."""
    wanted = " ".join(text.split()).casefold()
    return next((one for one in reasons().values() if wanted in (one.says.casefold(), one.code)), None)


def in_words(kind: str, code: str | None, new_value: str | None) -> str:
    """What a trust replied, in words."""
    if kind == "correct":
        return f"The value should be '{new_value}'." if new_value else "The cell should be empty."
    known = reasons().get(code or "")
    return f"It is right: {known.says if known else code}."
