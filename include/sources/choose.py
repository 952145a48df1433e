"""Which of the files that a publisher offers are asked for. Nothing is asked and nothing is written here."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from .. import catalogue
from ..reference import calendar
from .declared import Source
from .due import DAILY
from .history import FAILED, History, identity
from .offers import Offer


@dataclass(frozen=True)
class Group:
    """Offers of one period, or one offer that only the file itself can date.

    Attributes:
        offers: the best one first: highest edition, newest folder, first on the page.
        newest: whether it is asked for daily, for files replaced in place.
    """

    offers: list[Offer]
    newest: bool


def groups(source: Source, history: History, offers: list[Offer], since: str | None) -> list[Group]:
    """The periods to look at, oldest first: the newest ones, those since the first that was had, or all since one that is asked for.

    Args:
        since: all periods from this one on; None: the usual look.
    """
    first = since or catalogue.load(source.collection).first_period
    by_period: dict[str, list[Offer]] = {}
    for offer in offers:
        if offer.period and not is_before(offer.period, first):
            by_period.setdefault(offer.period, []).append(offer)
    in_order = sorted(by_period, key=calendar.period_start)
    newest = in_order[-source.recheck :]
    earliest = min(history.had, key=calendar.period_start, default=None)
    dated = [
        Group(_best_first(by_period[period], history), period in newest)
        for period in in_order
        if since or period in newest or (earliest is not None and not is_before(period, earliest))
    ]
    return dated + [Group([one], True) for one in offers if one.period is None]


def is_wanted(group: Group, history: History, since: str | None, now: datetime) -> bool:
    """Whether a group's best offer is to be asked for: it is not known, has changed, or is new enough to be asked for again.

    Ask when it is the group's turn: what was fetched before it may have turned out to be of its period.
    """
    best = group.offers[0]
    last = history.last_of(best)
    if history.is_outranked(best.period, best.edition):
        return False
    if (
        last is None
        or last.outcome in FAILED
        or (best.published and best.published != last.published)
        or (best.period and not history.had_of(best.period))
    ):
        return True
    # Where the publisher dates what it offers, an equal date says that nothing changed.
    return bool(since or group.newest) and not best.published and now - last.seen_at >= DAILY


def passed_over(group: Group, history: History) -> list[Offer]:
    """Links and editions of a group that were never seen and are not taken, each once."""
    best = group.offers[0]
    others = group.offers if history.is_outranked(best.period, best.edition) else group.offers[1:]
    first = {identity(one.resource, one.link): one for one in reversed(others)}
    return [one for one in others if one is first[identity(one.resource, one.link)] and not history.last_of(one)]


def is_before(period: str, first: str) -> bool:
    """Whether a period begins before another one."""
    return calendar.period_start(period) < calendar.period_start(first)


def _best_first(offers: list[Offer], history: History) -> list[Offer]:
    return sorted(offers, key=lambda one: (history.rank(one.edition), _folder(one.link)), reverse=True)


def _folder(link: str) -> str:
    """The folder that a file lies in, when it is one of a month; a newer one holds a file put right."""
    folders = [
        one
        for one in urlsplit(link).path.split("/")
        if len(one) == 7 and one[4] == "-" and one.replace("-", "").isdigit()
    ]
    return folders[-1] if folders else ""
