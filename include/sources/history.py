"""What was seen before of one part of a collection, by link and by period."""

from .declared import Source
from .ledger import Seen
from .offers import Offer
from .outcomes import BROKEN, MOVED, NOT_YET, PAGE_CHANGED, REFUSED, SUPERSEDED, UNREACHABLE

FAILED = (BROKEN, MOVED, NOT_YET, PAGE_CHANGED, REFUSED, UNREACHABLE)  # what is asked for again at the next look


class History:
    """What was seen before of one part of a collection.

    Attributes:
        had: period -> what went to the inbox, also from other sources, oldest first.
        last: identity of a link -> what was last seen behind it, of this source.
        last_of_period: period -> what was last seen of it, of this source.
        pages: addresses of the pages from which this source had a file.
    """

    def __init__(self, source: Source, facts: list[Seen]) -> None:
        self.source = source
        self.had: dict[str, list[Seen]] = {}
        self.last: dict[str, Seen] = {}
        self.last_of_period: dict[str, Seen] = {}
        self.pages: set[str] = set()
        for one in facts:
            self.add(one)

    def add(self, one: Seen) -> None:
        """Adds a fact."""
        if one.period and one.was_had:
            self.had.setdefault(one.period, []).append(one)
        if one.source == self.source.name:
            self.last[identity(one.resource, one.link_url)] = one
            if one.sha256:
                self.pages.add(one.page_url)
            if one.period and one.outcome != SUPERSEDED:
                self.last_of_period[one.period] = one

    def last_of(self, offer: Offer) -> Seen | None:
        """What was last seen behind an offer; None where it is not known."""
        return self.last.get(identity(offer.resource, offer.link))

    def had_of(self, period: str | None) -> list[Seen]:
        """What went to the inbox of a period, oldest first."""
        return self.had.get(period or "", [])

    def rank(self, edition: str) -> int:
        """The place of an edition; one that is not declared is the lowest."""
        return self.source.editions.index(edition) if edition in self.source.editions else -1

    def is_outranked(self, period: str | None, edition: str) -> bool:
        """Whether a higher edition of the period went to the inbox."""
        return self.rank(edition) < max((self.rank(one.edition) for one in self.had_of(period)), default=-1)


def identity(resource: str, link: str) -> str:
    """By what a file at the publisher's is known again: its resource, or its address without what is signed."""
    return resource or link.partition("?")[0]
