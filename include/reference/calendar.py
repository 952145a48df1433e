"""Periods, working days and deadlines (standard library only, so DAG files may import it).

A period is a month '2025-06' or a financial year '2016-17' (April to March). Text that could be either, such as '2011-12', is the
month: no collection has a financial year before 2012-13. Working days are Monday to Friday without England's bank holidays.
"""

import calendar
import csv
import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from trust_benchmarks import catalogue
from trust_benchmarks.reference import FOLDER, ReferenceDataError

LONDON = ZoneInfo("Europe/London")

# What a rule of the catalogue may say; see `deadline`.
RULE_KEYS = {"working_day", "day", "month", "days_after_opening", "months_after", "years_after", "at"}


class PeriodError(ValueError):
    """Text that is not a period; the message says what was expected."""


class RuleError(ValueError):
    """A due or closes rule that cannot be read; the message says what was expected."""


def kind(period: str) -> str:
    """'month' or 'financial_year'.

    Raises:
        PeriodError: for anything else.
    """
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})", period) if isinstance(period, str) else None
    if match:
        year, second = int(match[1]), int(match[2])
        if 1 <= second <= 12 and year >= 1:
            return "month"
        if second == (year + 1) % 100 and 1 <= year < 9999:
            return "financial_year"
    raise PeriodError(
        f"'{period}' is not a period. Expected a month such as 2025-06 or a financial year such as 2016-17."
    )


def period_start(period: str) -> date:
    """Its first day."""
    year = int(period[:4]) if kind(period) else 0
    return date(year, int(period[5:]), 1) if kind(period) == "month" else date(year, 4, 1)


def period_end(period: str) -> date:
    """Its last day."""
    start = period_start(period)
    if kind(period) == "financial_year":
        return date(start.year + 1, 3, 31)
    return start.replace(day=calendar.monthrange(start.year, start.month)[1])


def next_period(period: str) -> str:
    """The period after it, of the same kind."""
    return _moved(period, 1)


def previous_period(period: str) -> str:
    """The period before it, of the same kind."""
    return _moved(period, -1)


def periods(first: str, last: str) -> list[str]:
    """Every period from the first to the last, both included; empty when the last is earlier."""
    if kind(first) != kind(last):
        raise PeriodError(f"'{first}' and '{last}' are not of one kind. Give two months or two financial years.")
    found = []
    while period_start(first) <= period_start(last):
        found.append(first)
        first = next_period(first)
    return found


def period_of(day: date, frequency: str = "month") -> str:
    """The month or financial year that a day lies in."""
    if frequency == "month":
        return f"{day.year:04d}-{day.month:02d}"
    if frequency == "financial_year":
        return _financial_year(day.year - (day.month < 4))
    raise PeriodError(f"'{frequency}' is not a frequency. Expected month or financial_year.")


@cache
def bank_holidays() -> dict[date, str]:
    """England's bank holidays by date, with their titles."""
    with (FOLDER / "holidays.csv").open(encoding="utf-8", newline="") as lines:
        return {date.fromisoformat(row["date"]): row["title"] for row in csv.DictReader(lines)}


def is_working_day(day: date) -> bool:
    """Whether people work on that day in England's public offices.

    Raises:
        ReferenceDataError: for a year without bank holidays in holidays.csv, where any answer would be a guess.
    """
    years = _years_known()
    if day.year not in years:
        raise ReferenceDataError(
            f"Bank holidays are known for {min(years)} to {max(years)}, not for {day.year}. Add the year to holidays.csv."
        )
    return day.weekday() < 5 and day not in bank_holidays()


def is_working_day_as_known(day: date) -> bool:
    """The same for reminders and mails, which must go on: Monday to Friday in a year whose holidays are not known yet."""
    return is_working_day(day) if day.year in _years_known() else day.weekday() < 5


def working_days_after(day: date, number: int) -> date:
    """The day that is so many working days after another one, as far as holidays are known."""
    while number:
        day += timedelta(days=1)
        number -= is_working_day_as_known(day)
    return day


def working_day(year: int, month: int, n: int) -> date:
    """The nth working day of a month; the first is 1.

    Raises:
        RuleError: when the month has fewer.
    """
    days = [day for day in _days(date(year, month, 1), calendar.monthrange(year, month)[1]) if is_working_day(day)]
    if not 1 <= n <= len(days):
        raise RuleError(f"There is no working day {n} in {year}-{month:02d}. Expected 1 to {len(days)}.")
    return days[n - 1]


def deadline(rule: catalogue.Rule, period: str) -> datetime | None:
    """When a rule of the catalogue falls for a period, in Europe/London; None for an empty rule.

    The month it falls in is `months_after` months after the period's last month (0 when not said), or the calendar `month`
    of the year in which the period ends, plus `years_after`. The day in it is one of:

    - ``working_day = 10``: its tenth working day;
    - ``day = 15``: that day, or the month's last where it is shorter;
    - ``days_after_opening = 14``: so many days after its first working day, the day a collection opens.

    `at` is the time of day, '23:59' when not said. A time that the clocks skip in March is the one an hour later.

    Raises:
        PeriodError: when the period is not one.
        RuleError: when the rule has unknown entries, none or several ways to say the day, or a value out of range.
    """
    last = period_end(period)
    if not rule:
        return None
    if unknown := sorted(set(rule) - RULE_KEYS):
        raise RuleError(f"A rule has unknown entries {', '.join(unknown)}. Known: {', '.join(sorted(RULE_KEYS))}.")
    ways = [key for key in ("working_day", "day", "days_after_opening") if key in rule]
    if len(ways) != 1:
        raise RuleError(
            f"A rule says its day in {len(ways)} ways: {rule}. Give one of working_day, day, days_after_opening."
        )
    if "month" in rule and "months_after" in rule:
        raise RuleError(f"A rule has both month and months_after: {rule}. Give one.")
    year, month = _month_of(rule, last)
    number = _whole(rule, ways[0], 1, 31) if ways[0] != "days_after_opening" else _whole(rule, ways[0], 0, 366)
    if ways[0] == "working_day":
        day = working_day(year, month, number)
    elif ways[0] == "day":
        day = date(year, month, min(number, calendar.monthrange(year, month)[1]))
    else:
        day = working_day(year, month, 1) + timedelta(days=number)
    local = datetime.combine(day, _time(rule.get("at", "23:59")), LONDON)
    return local.astimezone(UTC).astimezone(LONDON)


def due(collection: str, period: str) -> datetime | None:
    """The soft deadline of a collection for a period; None when it has none."""
    return deadline(catalogue.load(collection).due, period)


def closes(collection: str, period: str) -> datetime | None:
    """The hard close of a collection for a period; None when it has none."""
    return deadline(catalogue.load(collection).closes, period)


def preview_end(collection: str, period: str, offered: datetime) -> datetime:
    """Until when trusts see a release of a collection before it is published: its working days, and its embargo where that is later.

    Raises:
        RuleError: the collection's `preview` or `embargo` cannot be read.
    """
    declared = catalogue.load(collection)
    if unknown := sorted(set(declared.preview) - {"working_days", "at"}):
        raise RuleError(
            f"The preview of {collection} has unknown entries {', '.join(unknown)}. Known: at, working_days."
        )
    days = _whole(declared.preview, "working_days", 1, catalogue.MOST_PREVIEW_DAYS)
    day = working_days_after(offered.astimezone(LONDON).date(), days)
    end = datetime.combine(day, _time(declared.preview.get("at", "09:30")), LONDON)
    embargo = deadline(declared.embargo, period)
    return end if embargo is None else max(end, embargo)


def preview_times() -> list[str]:
    """The times of day, such as '09:30', at which a preview of any collection may end; none where no collection has one."""
    found = set()
    for one in catalogue.all().values():
        if one.preview:
            found.add(one.preview.get("at", "09:30"))
            found |= {one.embargo.get("at", "23:59")} if one.embargo else set()
    return sorted(found)


def _month_of(rule: catalogue.Rule, last: date) -> tuple[int, int]:
    year = last.year + _whole(rule, "years_after", -10, 10, 0)
    if "month" in rule:
        return year, _whole(rule, "month", 1, 12)
    months = year * 12 + last.month - 1 + _whole(rule, "months_after", -120, 120, 0)
    return months // 12, months % 12 + 1


def _whole(rule: catalogue.Rule, key: str, lowest: int, highest: int, otherwise: int | None = None) -> int:
    value = rule.get(key, otherwise)
    if type(value) is not int or not lowest <= value <= highest:
        raise RuleError(f"A rule has {key} = {value!r}. Expected a whole number from {lowest} to {highest}.")
    return value


def _time(text: str) -> time:
    if isinstance(text, str) and re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        return time.fromisoformat(text)
    raise RuleError(f"A rule has at = {text!r}. Expected a time of day such as '12:00'.")


def _moved(period: str, by: int) -> str:
    start = period_start(period)
    if kind(period) == "financial_year":
        return _financial_year(start.year + by)
    months = start.year * 12 + start.month - 1 + by
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def _financial_year(year: int) -> str:
    text = f"{year:04d}-{(year + 1) % 100:02d}"
    if kind(text) != "financial_year":
        raise PeriodError(f"The financial year from April {year} could also be a month when written '{text}'.")
    return text


@cache
def _years_known() -> set[int]:
    return {day.year for day in bank_holidays()}


def _days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(count)]
