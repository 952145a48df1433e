"""Days in London, and when mails that had to wait are sent."""

from datetime import date, datetime, time, timedelta

from ..reference.calendar import LONDON, is_working_day_as_known

MORNING = time(7, 30)  # when digests that had to wait are sent


def day_of(moment: datetime) -> date:
    """The day that a moment lies in."""
    return moment.astimezone(LONDON).date()


def at(day: date, of_day: time) -> datetime:
    """A time of a day."""
    return datetime.combine(day, of_day, LONDON)


def after(day: date, number: int) -> date:
    """The day that is so many working days after another one."""
    while number:
        day += timedelta(days=1)
        number -= is_working_day_as_known(day)
    return day


def next_morning(moment: datetime) -> datetime:
    """When the digest of the next working day is sent."""
    return at(after(day_of(moment), 1), MORNING)
