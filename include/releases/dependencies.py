"""Which collections and periods the figures of a collection and period are computed from."""

from .. import catalogue
from ..reference import calendar

Pair = tuple[str, str]  # collection and period

LOG_MONTHS = 11  # data quality measures read twelve months of the submission log
# Periods whose profiles a new one is compared with; a year may be missing in between.
PROFILES_BACK = {"month": 1, "financial_year": 3}


def rests_on(collection: str, period: str) -> list[Pair]:
    """The collection's own periods that are read, oldest first, then those of the collections that it uses."""
    declared = catalogue.load(collection)
    # A provider that was in the last national file and is missing from this one is noticed; every return is compared with the last.
    back = max(declared.looks_back, PROFILES_BACK[declared.frequency])
    back = back if declared.is_national else max(back, LOG_MONTHS)
    return [(collection, one) for one in periods_back(period, back)] + _used(collection, period)


def periods_back(period: str, count: int) -> list[str]:
    """A period and up to `count` before it, oldest first; it ends at 2012-13, before which years look like months."""
    periods = [period]
    for _ in range(count):
        try:
            periods.append(calendar.previous_period(periods[-1]))
        except calendar.PeriodError:
            break
    return periods[::-1]


def _used(collection: str, period: str) -> list[Pair]:
    """The other collections' periods that this one's figures and cross rules read."""
    declared = catalogue.load(collection)
    months = [period]
    if declared.frequency != "month":
        first, last = calendar.period_start(period), calendar.period_end(period)
        months = calendar.periods(f"{first:%Y-%m}", f"{last:%Y-%m}")
    months = periods_back(months[0], declared.uses_back) + months[1:]
    return [(other, month) for other in declared.uses for month in months]
