"""Times (UK time), periods, numbers, counts and titles as people read them."""

import calendar
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

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


def period(name: str | None) -> str:
    """A period in words: June 2025, or 2025-26 as a financial year."""
    if not name:
        return "not known"
    year, _, rest = name.partition("-")
    return (
        f"{calendar.month_name[int(rest)]} {year}"
        if rest.isdigit() and 1 <= int(rest) <= 12
        else f"financial year {name}"
    )


def number(value: float | None) -> str:
    """A number for people: three significant figures, commas between thousands."""
    if value is None:
        return "none"
    rounded = float(f"{value:.3g}")
    if abs(rounded) >= 1000:
        return f"{rounded:,.0f}"
    return f"{Decimal(str(rounded)).normalize():f}"


def with_unit(value: float | None, unit: str | None) -> str:
    """A value with its unit: 4.52%, £66,000, 31.2 days."""
    if value is None:
        return "none"
    unit = unit or ""
    if unit.startswith("GBP"):
        pounds = f"-£{number(-value)}" if value < 0 else f"£{number(value)}"
        return pounds + unit[3:].replace("/", " per ")
    return f"{number(value)}%" if unit == "%" else f"{number(value)} {unit}".strip()


def incomplete(share: float | None) -> str:
    """How complete a figure is where it is not whole, such as '97% complete'; rounded down, so that a part is never said to be all."""
    return "" if share is None or share >= 1 else f"{int(100 * share)}% complete"


def quartile(figure: Mapping[str, Any]) -> str:
    """The quarter of its peers that a figure is in, in words."""
    if figure["polarity"] == "neutral":
        return "neither higher nor lower is better"
    words = {4: "best quarter", 3: "second best quarter", 2: "second worst quarter", 1: "worst quarter"}
    return words.get(figure["quartile"], "not ranked")


def compared(figure: Mapping[str, Any]) -> str:
    """Whether a figure differs from its group's median by more than chance, in words; '' where that cannot be told."""
    words = {
        "better": "better than the median",
        "similar": "too close to the median to call",
        "worse": "worse than the median",
    }
    if not figure["compared"]:
        return ""
    return f"{words[figure['compared']]} (95% interval {number(figure['lower'])} to {number(figure['upper'])})"


def rank_range(figure: Mapping[str, Any]) -> str:
    """The percentile ranks that chance leaves possible, in words; '' where there is no rank or no interval."""
    lowest, highest = figure["rank_lowest"], figure["rank_highest"]
    if lowest is None or highest is None:
        return ""
    return f"By chance alone its rank could be anything from percentile {lowest:.0f} to {highest:.0f}."
