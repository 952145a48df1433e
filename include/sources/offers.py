"""What a publisher offers, before anything is downloaded: links with their periods, and how each period was decided."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ..reading import periods
from .declared import Source

_MONTH = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
_WAYS = {
    "month": (
        re.compile(rf"(?<![a-z])(?P<month>{_MONTH})[-_. ']{{0,3}}(?P<year>20\d{{2}}|\d{{2}})(?!\d)", re.I),
        re.compile(r"(?<!\d)(?P<year>20\d{2})[-_/ ]?(?P<month>0[1-9]|1[0-2])(?!\d)"),
    ),
    "financial_year": (re.compile(r"(?<!\d)(?P<year>20\d{2}|\d{2})[-_/ ](?P<month>20\d{2}|\d{2})(?!\d)"),),
}


@dataclass(frozen=True)
class Offer:
    """One file that a publisher offers.

    Attributes:
        period: what it is about, as far as the offer says; None where only the file can say.
        how: what the period was decided by, such as "link text".
        edition: provisional, final and the like; empty where the publisher makes no difference.
        link: its address before redirects.
        text: what the link or resource is called.
        page: the address of the page or package that offers it.
        published: when the publisher last changed it, as written; empty where that is not said.
        stated: a date that the page gives, which says nothing about later changes.
        resource: by which its address can be asked for again; empty where it cannot.
    """

    link: str
    text: str
    page: str
    period: str | None = None
    how: str = ""
    edition: str = ""
    published: str = ""
    stated: str = ""
    resource: str = ""

    @property
    def file_name(self) -> str:
        """The name at the end of its address."""
        return name_of(self.link)


@dataclass
class Discovered:
    """What a look at a page or package found.

    Attributes:
        offers: the files offered, the publisher's newest first where the page has an order.
        problems: (outcome, sentence) of what could not be understood or had.
        page, status, etag, last_modified, sha256: of the page itself.
        whole: whether everything that is offered is among the offers, so that what is missing is gone.
    """

    offers: list[Offer] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    page: str = ""
    status: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    sha256: str = ""
    whole: bool = True


def name_of(address: str) -> str:
    """The file's name at the end of an address."""
    return unquote(urlsplit(address).path).rstrip("/").rsplit("/", 1)[-1]


def periods_in(text: str, frequency: str) -> list[str]:
    """The periods that a text names, each once: Sep 26, September 2026, 202609, 2026-09; 2024_25, 2024/25."""
    meaning = periods.month if frequency == "month" else periods.financial_year
    found = (meaning(f"{one['month']} {one['year']}" if one["month"].isalpha() else f"{one['year']}-{one['month']}")
             for way in _WAYS[frequency] for one in way.finditer(text))  # fmt: skip
    return list(dict.fromkeys(one for one in found if one))


def period_of(frequency: str, *said: tuple[str, str]) -> tuple[str | None, str]:
    """The period that the first text names that names exactly one, and which text that was; (None, '') where none does.

    Args:
        said: (what the text is, the text), in the order in which they are believed.
    """
    for what, text in said:
        found = periods_in(text, frequency)
        if len(found) == 1:
            return found[0], what
    return None, ""


def is_meant(source: Source, text: str, name: str) -> re.Match[str] | None:
    """The match of `link` in a link's text or its file's name, unless `never` is in one of them."""
    if source.never and (re.search(source.never, text) or re.search(source.never, name)):
        return None
    return re.search(source.link, name) or re.search(source.link, text)


def edition_of(source: Source, match: re.Match[str] | None) -> str:
    """The edition by the group `edition` of the link, else what the source says of all its files."""
    return ((match and match.groupdict().get("edition")) or source.edition).lower()
