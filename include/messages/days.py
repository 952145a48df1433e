"""Days in London, and when mails that had to wait are sent."""

from datetime import date, datetime, time

from ..reference.calendar import LONDON, working_days_after

MORNING = time(7, 30)  # when digests that had to wait are sent


def day_of(moment: datetime) -> date:
    """The day that a moment lies in."""
    return moment.astimezone(LONDON).date()


def at(day: date, of_day: time) -> datetime:
    """A time of a day."""
    return datetime.combine(day, of_day, LONDON)


def next_morning(moment: datetime) -> datetime:
    """When the digest of the next working day is sent."""
    return at(working_days_after(day_of(moment), 1), MORNING)
