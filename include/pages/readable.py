"""Times (UK time), counts and titles as people read them."""

from datetime import date, datetime

from .. import catalogue
from ..reference.calendar import LONDON


def when(moment: datetime | None) -> str:
    """A moment in London, such as '5 Jul 2025, 23:59'."""
    return f"{day(moment)}, {moment.astimezone(LONDON):%H:%M}" if moment else ""


def day(on: date | None) -> str:
    """A day, of a moment that in London, such as '5 Jul 2025'."""
    if isinstance(on, datetime):
        on = on.astimezone(LONDON)
    return f"{on.day} {on:%b %Y}" if on else ""


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def title(collection: str | None, unknown: str = "") -> str:
    """The title of a collection; `unknown` where there is no name."""
    known = catalogue.all().get(collection or "")
    return known.title if known else collection or unknown
