"""What people write in forms: checked for what must not be kept, as the database checks it again."""

import re
from collections.abc import Iterator

from ..timeline.event_checks import CONTACT

LONGEST = 2000  # characters of a reason or comment


def words(text: str, missing: str = "", longest: int = LONGEST) -> str | None:
    """What is wrong with a reason, a comment, a note or a source; None: nothing.

    Args:
        text: as entered.
        missing: the sentence for an empty one; '' where it may be empty.
        longest: the most characters that it may have.
    """
    if not text.strip():
        return missing or None
    if len(text) > longest:
        return f"Shorten this to {longest:,} characters or fewer. It has {len(text):,}. What you wrote is kept below."
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
