"""Checks of what people enter in forms: each says what is wrong with one field, so that a form can say all of it at once."""

import re
from datetime import date, datetime, timedelta

from ..reference.calendar import LONDON

MOST_DAYS = 3 * 366  # a waiver may last
NO_REASON = "Enter a reason that people will still understand next year."
NO_DAY = "Enter the last day of the waiver as day, month and year, such as 31/3/2026."


class Incomplete(ValueError):
    """Something in a form is missing or wrong: sentences by the name of the field; '' for the whole form."""

    def __init__(self, errors: dict[str, str] | str) -> None:
        self.errors = {"": errors} if isinstance(errors, str) else errors
        super().__init__(" ".join(self.errors.values()))


def day(text: str) -> date:
    """A day, as written in the UK or in ISO form.

    Raises:
        ValueError: it is no day.
    """
    digits = re.findall(r"\d+", text)
    year_first = len(digits) == 3 and len(digits[0]) == 4
    try:
        year, month, day = map(int, digits if year_first else reversed(digits))
        if year < 1000:
            raise ValueError
        return date(year, month, day)
    except ValueError:
        raise ValueError(NO_DAY) from None


def last_day(text: str) -> date:
    """The last day of a waiver, as written in the UK or in ISO form.

    Raises:
        ValueError: it is no day, or out of bounds; the message says which.
    """
    found = day(text)
    today = datetime.now(LONDON).date()
    if found < today:
        raise ValueError(f"The waiver would have ended on {found:%-d %B %Y}. Enter a day that is still to come.")
    if found > today + timedelta(MOST_DAYS):
        latest = today + timedelta(MOST_DAYS)
        raise ValueError(
            f"Enter a day no later than {latest:%-d %B %Y}: a waiver that is still needed then can be renewed."
        )
    return found
