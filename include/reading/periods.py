"""Periods and dates as people and spreadsheets write them, read where only one meaning is possible.

All functions are pure: texts in, values out, null where a text is no period or could be more than one. They say nothing
about whether a period is possible (ended, or not before the collection began): that is asked by whoever knows the collection.

A month:            2025-06, 2025-6, 2025/06, 202506, 06/2025, Jun-25, June 2025, and the first or last day of the month
                    (01/06/2025, 30/06/2025, 2025-06-30, 2025-06-01 00:00:00, 30 June 2025).
A financial year:   2024-25, 2024/25, 24/25, 2024-2025, FY24/25, 202425.

Refused on purpose: any other day in place of a month (a spreadsheet turns "Jun-25" into 25 June of the year in which it
was typed), 25-Jun (a day, or 2025), FY25 (the year that starts or ends), 06/05/2025 in a column that does not show whether day or month
comes first.
"""

import calendar
import datetime as dt
import re
from collections.abc import Callable

import polars as pl

# Nothing to see: zero-width characters, marks of direction, soft hyphens and byte-order marks.
INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
MONTH, YEAR = "month", "financial_year"
ISO = "%Y-%m-%d"
DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d-%m-%y", "%d.%m.%y")
LONGEST = 40  # no way to write a period or a date is longer, so longer texts are not looked at

_DASHES = str.maketrans({c: "-" for c in "\u2010\u2011\u2012\u2013\u2014\u2212"} | dict.fromkeys(INVISIBLE))
_MONTHS = {
    name.casefold(): n for names in (calendar.month_name, calendar.month_abbr) for n, name in enumerate(names) if n
}
_MONTHS |= {"sept": 9}
_SEP = r"[-/. _]"
_CLOCK = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?"
_ISO_DAY = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_CLOCK}")
_DAY_FIRST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_CLOCK}")
_NAMED_DAY = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th)?{_SEP}?([a-z]{{3,9}})\.?,?{_SEP}?'?(\d{{4}}|\d{{2}}){_CLOCK}", re.I
)
_YEAR_MONTH = re.compile(rf"(\d{{4}}){_SEP}(\d{{1,2}})|(\d{{4}})(\d{{2}})")
_MONTH_YEAR = re.compile(r"(\d{1,2})[-/. ](\d{4})")
_NAMED_MONTH = re.compile(rf"([a-z]{{3,9}})\.?,?{_SEP}?'?(\d{{4}}|\d{{2}})|(\d{{4}}){_SEP}?([a-z]{{3,9}})", re.I)
_YEARS = re.compile(r"(?:f\.?y\.?|financial year)? ?(\d{4}|\d{2}) ?[-/_] ?(\d{4}|\d{2})|(\d{4})(\d{2})", re.I)


def read(texts: pl.Series, frequency: str) -> pl.Series:
    """Periods from texts: 'YYYY-MM' of a monthly collection, 'YYYY-YY' of a yearly one; null where a text is none.

    Args:
        texts: String, as sent.
        frequency: 'month', or anything else for financial years (as `catalogue.Collection.frequency` has it).
    """
    return _each(texts, month if frequency == MONTH else financial_year, pl.String)


def dates(texts: pl.Series, form: str = ISO) -> pl.Series:
    """Dates from texts: as the layout writes them, and as nothing else can be meant; null where a text is none.

    Two digits of a year are 20.. . Where the layout does not say that the day comes first, 04/06/2025 is read only in a
    column that shows it: some first number is above 12, and no second one is.

    Args:
        texts: String, as sent.
        form: how the layout writes dates, in the notation of strftime.
    """
    day_first = form in DAY_FIRST or _shows_day_first(texts)
    return _each(texts, lambda text: date(text, day_first), pl.Date)


def months_of_dates(texts: pl.Series, form: str = ISO) -> pl.Series:
    """'YYYY-MM' of each date in a column (see `dates`), for collections that tell their month by a date."""
    return dates(texts, form).dt.strftime("%Y-%m")


def month(text: str) -> str | None:
    """The month that a text means, as 'YYYY-MM'; None where it is none or could be another."""
    text = _tidy(text)
    if found := _YEAR_MONTH.fullmatch(text):
        return _month(found[1] or found[3], found[2] or found[4])
    if found := _MONTH_YEAR.fullmatch(text):
        return _month(found[2], found[1])
    if found := _NAMED_MONTH.fullmatch(text):
        number = _MONTHS.get((found[1] or found[4]).casefold())
        return _month(found[2] or found[3], number) if number else None
    day = date(text, day_first=True)
    if day is None or day.day not in (1, calendar.monthrange(day.year, day.month)[1]):
        return None
    return f"{day:%Y-%m}"


def financial_year(text: str) -> str | None:
    """The financial year that a text means, as 'YYYY-YY'; None where it is none: its second year follows the first."""
    found = _YEARS.fullmatch(_tidy(text))
    if not found:
        return None
    first, second = _year(found[1] or found[3]), found[2] or found[4]
    follows = int(second) == first + 1 if len(second) == 4 else int(second) == (first + 1) % 100
    return f"{first:04}-{(first + 1) % 100:02}" if follows and 1 <= first < 9999 else None


def date(text: str, day_first: bool) -> dt.date | None:
    """The day that a text means; None where it is none. A time of day is left out.

    Args:
        day_first: whether 04/06/2025 is the fourth of June; if not, such texts are not read at all.
    """
    text = _tidy(text)
    if found := _ISO_DAY.fullmatch(text):
        return _date(found[1], found[3], found[4])
    if found := _NAMED_DAY.fullmatch(text):
        number = _MONTHS.get(found[2].casefold())
        return _date(found[3], number, found[1]) if number else None
    if day_first and (found := _DAY_FIRST.fullmatch(text)):
        return _date(found[4], found[3], found[1])
    return None


def _each(texts: pl.Series, meaning: Callable[[str], object | None], dtype: type[pl.DataType]) -> pl.Series:
    """The meaning of each text; every different text is looked at once."""
    kinds = texts.drop_nulls().unique()
    kinds = kinds.filter((kinds != "") & (kinds.str.len_chars() <= LONGEST))
    known = {text: value for text in kinds if (value := meaning(text)) is not None}
    if not known:
        return pl.Series(texts.name, [None] * texts.len(), dtype=dtype)
    values = pl.Series(list(known.values()), dtype=dtype)
    return texts.replace_strict(pl.Series(list(known), dtype=pl.String), values, default=None, return_dtype=dtype)


def _shows_day_first(texts: pl.Series) -> bool:
    """Whether a column of dates such as 04/06/2025 shows that the day comes first."""
    parts = texts.str.extract_groups(r"^\s*(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}\b").struct
    first, second = (parts.field(name).cast(pl.Int32).drop_nulls() for name in ("1", "2"))
    return bool((first > 12).any() and (second <= 12).all())


def _tidy(text: str) -> str:
    return " ".join(text.translate(_DASHES).split()).removeprefix("'").strip()


def _year(text: str) -> int:
    return int(text) + (2000 if len(text) == 2 else 0)


def _month(year: str, number: str | int) -> str | None:
    return f"{_year(year):04}-{int(number):02}" if 1 <= int(number) <= 12 and _year(year) > 0 else None


def _date(year: str, number: str | int, day: str) -> dt.date | None:
    try:
        return dt.date(_year(year), int(number), int(day))
    except ValueError:
        return None
