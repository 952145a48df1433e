"""Kind `url`: an address that follows from the period: {period}, or {year}, {month} and {month_name}."""

from datetime import datetime

from ..reference import calendar
from .declared import Source
from .offers import Discovered, Offer


def discover(source: Source, since: str | None, now: datetime) -> Discovered:
    """An address for each of the newest periods, or for all since one; whether there is a file is seen when it is asked for."""
    period = source.newest_due(now) or calendar.previous_period(
        calendar.period_of(now.astimezone(calendar.LONDON).date(), source.frequency)
    )
    if source.ended and calendar.period_start(source.ended) < calendar.period_start(period):
        period = source.ended
    first = since
    for _ in range(0 if since else source.recheck):
        first = calendar.previous_period(first) if first else period
    return Discovered(
        offers=[_offer(source, one) for one in reversed(calendar.periods(first or period, period))],
        page=source.address,
        whole=False,
    )


def _offer(source: Source, period: str) -> Offer:
    start = calendar.period_start(period)
    address = source.address.format(
        period=period, year=f"{start:%Y}", month=f"{start:%m}", month_name=f"{start:%B}"
    )  # fmt: skip
    return Offer(address, "", source.address, period, "address", source.edition)
