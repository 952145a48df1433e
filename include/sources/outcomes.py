"""What a look at a source, or one file of it, can come to: different outcomes, each with what to do about it."""

from dataclasses import dataclass

NEW, CORRECTION, SAME = "new", "correction", "same"
NOT_CHANGED, SUPERSEDED, NOT_YET = "not_changed", "superseded", "not_yet"
UNREACHABLE = "unreachable"
REFUSED, MOVED, PAGE_CHANGED, BROKEN = "refused", "moved", "page_changed", "broken"
WENT_BACK, GONE, LATE = "went_back", "gone", "late"


@dataclass(frozen=True)
class Meaning:
    """What an outcome says.

    Attributes:
        person: whether a person must look; the others mend themselves or need nothing.
        says: what it means.
        do: what to do.
    """

    person: bool
    says: str
    do: str


# In rising order of how much they matter: the last one that occurs is what the look came to.
MEANINGS = {
    SUPERSEDED: Meaning(False, "another link or edition of the same period was taken", "Nothing."),
    NOT_CHANGED: Meaning(False, "the publisher says or shows that nothing changed", "Nothing."),
    SAME: Meaning(False, "the same bytes as before under another link or date", "Nothing."),
    NEW: Meaning(False, "a period that was not had before; it is in the inbox", "Nothing."),
    CORRECTION: Meaning(False, "other bytes of a period that was had; they are in the inbox as the next version", "Nothing."),
    NOT_YET: Meaning(False, "not published yet", "Nothing; the next look asks again."),
    UNREACHABLE: Meaning(False, "the publisher's server did not answer, or not in time", "Nothing; the next look asks again."),
    LATE: Meaning(
        True,
        "late at the publisher",
        "Look at the publisher's page: if it announces a later day, correct `release` in source.toml; if the file is there, "
        "correct `link`.",
    ),
    GONE: Meaning(
        True,
        "a file that was had is no longer offered",
        "Ask the publisher why. Files already fetched stay in use; decide `hold` on its submission if it was withdrawn because it was wrong.",
    ),
    WENT_BACK: Meaning(
        True,
        "the publisher went back to bytes that were had before a correction",
        "The correction still counts. If the earlier file is right, decide `hold` on the later submission.",
    ),
    BROKEN: Meaning(
        True,
        "what came is not the file that was meant",
        "Open the link in a browser. If it is damaged there too, ask the publisher; the next look asks again.",
    ),
    PAGE_CHANGED: Meaning(
        True,
        "the page or answer no longer looks as source.toml says",
        "Open the page in a browser and correct `issue`, `link` or `title` in source.toml.",
    ),
    MOVED: Meaning(
        True,
        "there is nothing at the address any more, or it leads to where nothing may be fetched",
        "Find the new address in a browser and correct `address` in source.toml.",
    ),
    REFUSED: Meaning(
        True,
        "the publisher refuses machines, or this one",
        "Do not work around this. Ask the publisher for permission, and give them the user agent; or put the files into the inbox by "
        "hand and set kind = \"upload\".",
    ),
}  # fmt: skip
ORDER = list(MEANINGS)


class Stopped(Exception):
    """A request or file that came to something else than a file: an outcome, and one sentence about what was found."""

    def __init__(self, outcome: str, found: str, status: int | None = None) -> None:
        super().__init__(outcome, found, status)
        self.outcome, self.found, self.status = outcome, found, status

    def __str__(self) -> str:
        return self.found


def worst(outcomes: list[str]) -> str:
    """The outcome among these that matters most; `not_changed` where there is none."""
    return max(outcomes, key=ORDER.index, default=NOT_CHANGED)


def sentence(outcome: str, found: str) -> str:
    """What was found, what it means and what to do."""
    meaning = MEANINGS[outcome]
    return f"{found} This means: {meaning.says}. {meaning.do}"
