"""Checks of what people enter in forms: each says what is wrong with one field, so that a form can say all of it at once."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from ..reference.calendar import LONDON
from ..timeline.event_checks import CONTACT

LONGEST = 2000  # characters of a reason or comment
MOST_DAYS = 3 * 366  # a waiver may last
NO_REASON = "Enter a reason that people will still understand next year."
NO_DAY = "Enter the last day of the waiver as day, month and year, such as 31/3/2026."


class Incomplete(ValueError):
    """Something in a form is missing or wrong: sentences by the name of the field; '' for the whole form."""

    def __init__(self, errors: dict[str, str] | str) -> None:
        self.errors = {"": errors} if isinstance(errors, str) else errors
        super().__init__(" ".join(self.errors.values()))


def words(text: str, missing: str = "") -> str | None:
    """What is wrong with a reason, a comment or a source; None: nothing.

    Args:
        text: as entered.
        missing: the sentence for an empty one; '' where it may be empty.
    """
    if not text.strip():
        return missing or None
    if len(text) > LONGEST:
        return f"Shorten this to {LONGEST:,} characters or fewer. It has {len(text):,}. What you wrote is kept below."
    if any(pattern.search(text) for pattern in CONTACT):
        return "Take out the email address or telephone number, and write the role instead. People's details are not kept here."
    if any(_is_nhs_number(digits) for digits in _ten_digits(text)):
        return "Take out the NHS number. Patients' details are not kept here."
    return None


def _ten_digits(text: str) -> Iterator[str]:
    for found in re.finditer(r"(?<![0-9])[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}(?![0-9])", text):
        yield re.sub(r"[ -]", "", found[0])


def _is_nhs_number(digits: str) -> bool:
    """Whether the last of ten digits is the check digit of the others (modulus 11)."""
    check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return check % 11 == int(digits[9])


def last_day(text: str) -> date:
    """The last day of a waiver, as written in the UK or in ISO form.

    Raises:
        ValueError: it is no day, or out of bounds; the message says which.
    """
    digits = re.findall(r"\d+", text)
    year_first = len(digits) == 3 and len(digits[0]) == 4
    try:
        year, month, day = map(int, digits if year_first else reversed(digits))
        if year < 1000:
            raise ValueError
        found = date(year, month, day)
    except ValueError:
        raise ValueError(NO_DAY) from None
    today = datetime.now(LONDON).date()
    if found < today:
        raise ValueError(f"The waiver would have ended on {found:%-d %B %Y}. Enter a day that is still to come.")
    if found > today + timedelta(MOST_DAYS):
        latest = today + timedelta(MOST_DAYS)
        raise ValueError(
            f"Enter a day no later than {latest:%-d %B %Y}: a waiver that is still needed then can be renewed."
        )
    return found
