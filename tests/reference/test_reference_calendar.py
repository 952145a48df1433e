"""Periods, working days and deadlines, with the days that go wrong most: Easter, the clocks, the turn of the year."""

import ast
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trust_benchmarks.reference import FOLDER, ReferenceDataError, calendar
from trust_benchmarks.reference.calendar import PeriodError, RuleError

LONDON = ZoneInfo("Europe/London")
MONTHS = st.dates(date(2012, 1, 1), date(2027, 12, 1)).map(calendar.period_of)
YEARS = st.integers(2012, 2097).map(lambda year: f"{year}-{(year + 1) % 100:02d}")


def test_easter_monday_2017_is_no_working_day():
    """The Model Hospital opened on 17 April 2017, a bank holiday."""
    assert not calendar.is_working_day(date(2017, 4, 17))
    assert calendar.bank_holidays()[date(2017, 4, 17)] == "Easter Monday"
    assert not calendar.is_working_day(date(2017, 4, 14))
    assert calendar.is_working_day(date(2017, 4, 18))
    assert calendar.working_day(2017, 4, 10) == date(2017, 4, 18)


@pytest.mark.parametrize(
    "day", ["2022-06-02", "2022-06-03", "2022-09-19", "2023-05-08", "2020-05-08", "2025-05-03", "2025-05-04"]
)
def test_days_off(day):
    assert not calendar.is_working_day(date.fromisoformat(day))


@pytest.mark.parametrize("day", ["2020-05-04", "2022-05-30", "2025-05-06"])
def test_moved_holidays_leave_a_working_day(day):
    assert calendar.is_working_day(date.fromisoformat(day))


@pytest.mark.parametrize(
    ("year", "month", "n", "expected"),
    [
        (2024, 1, 1, "2024-01-02"),
        (2025, 1, 1, "2025-01-02"),
        (2025, 6, 10, "2025-06-13"),
        (2026, 5, 10, "2026-05-15"),
        (2024, 4, 1, "2024-04-02"),
    ],
)
def test_nth_working_day(year, month, n, expected):
    assert calendar.working_day(year, month, n) == date.fromisoformat(expected)


@pytest.mark.parametrize("n", [0, -1, 24])
def test_a_working_day_a_month_does_not_have(n):
    with pytest.raises(RuleError, match="There is no working day"):
        calendar.working_day(2025, 6, n)


def working_days_in(period: str) -> int:
    start = calendar.period_start(period)
    days = (start + timedelta(days=n) for n in range((calendar.period_end(period) - start).days + 1))
    return sum(calendar.is_working_day(day) for day in days)


@pytest.mark.parametrize(("period", "expected"), [("2017-04", 18), ("2024-02", 21), ("2025-06", 21), ("2018-19", 253)])
def test_working_days_in(period, expected):
    assert working_days_in(period) == expected


def test_working_days_agree_with_a_second_count():
    day, count = date(2024, 4, 1), 0
    while day <= date(2025, 3, 31):
        count += day.isoweekday() <= 5
        day += timedelta(days=1)
    held = sum(date(2024, 4, 1) <= holiday <= date(2025, 3, 31) for holiday in calendar.bank_holidays())
    assert working_days_in("2024-25") == count - held == 261 - 7


def test_years_without_holidays_are_refused_not_guessed():
    for day in (date(2011, 12, 30), date(2028, 1, 4)):
        with pytest.raises(
            ReferenceDataError, match=r"known for 2012 to 2027, not for .* Add the year to holidays\.csv"
        ):
            calendar.is_working_day(day)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2025-06", "2025-06-01", "2025-06-30"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2016-17", "2016-04-01", "2017-03-31"),
        ("2099-00", "2099-04-01", "2100-03-31"),
        ("2011-12", "2011-12-01", "2011-12-31"),
    ],
)
def test_first_and_last_day(period, first, last):
    assert (calendar.period_start(period), calendar.period_end(period)) == (
        date.fromisoformat(first),
        date.fromisoformat(last),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025",
        "2025-6",
        "2025-13",
        "2025-00",
        "2016-18",
        "2025-06-01",
        "2025-06\n",
        " 2025-06",
        "２０２５-06",
        "abcd-ef",
        "0000-01",
        "9999-00",
        None,
        202506,
    ],
)
def test_text_that_is_no_period(text):
    with pytest.raises(PeriodError, match=r"is not a period\. Expected a month such as 2025-06"):
        calendar.period_start(text)


@given(st.one_of(MONTHS, YEARS))
def test_next_and_previous_undo_each_other(period):
    after = calendar.next_period(period)
    assert calendar.kind(after) == calendar.kind(period)
    assert calendar.previous_period(after) == period
    assert calendar.period_start(after) == calendar.period_end(period) + timedelta(days=1)
    assert calendar.period_of(calendar.period_end(period), calendar.kind(period)) == period


def test_before_the_first_financial_year():
    with pytest.raises(PeriodError, match="could also be a month when written '2011-12'"):
        calendar.previous_period("2012-13")


def test_periods():
    assert calendar.periods("2024-11", "2025-02") == ["2024-11", "2024-12", "2025-01", "2025-02"]
    assert calendar.periods("2014-15", "2016-17") == ["2014-15", "2015-16", "2016-17"]
    assert calendar.periods("2025-02", "2025-01") == []
    with pytest.raises(PeriodError, match="not of one kind"):
        calendar.periods("2025-02", "2025-26")


@pytest.mark.parametrize(
    ("rule", "period", "expected"),
    [
        ({"working_day": 10, "months_after": 1, "at": "12:00"}, "2017-03", "2017-04-18T12:00+01:00"),
        ({"working_day": 10, "months_after": 1, "at": "17:00"}, "2025-12", "2026-01-15T17:00+00:00"),
        ({"days_after_opening": 14, "months_after": 1, "at": "12:00"}, "2019-11", "2019-12-16T12:00+00:00"),
        ({"days_after_opening": 14, "months_after": 1, "at": "12:00"}, "2020-07", "2020-08-17T12:00+01:00"),
        ({"day": 15, "months_after": 1, "at": "23:59"}, "2025-06", "2025-07-15T23:59+01:00"),
        ({"day": 31, "months_after": 2}, "2025-12", "2026-02-28T23:59+00:00"),
        ({"month": 6, "day": 30, "at": "17:00"}, "2016-17", "2017-06-30T17:00+01:00"),
        ({"month": 6, "day": 30, "years_after": 1, "at": "17:00"}, "2016-17", "2018-06-30T17:00+01:00"),
        ({"day": 30, "months_after": 3, "at": "09:30"}, "2016-17", "2017-06-30T09:30+01:00"),
        ({"day": 1}, "2025-06", "2025-06-01T23:59+01:00"),
    ],
)
def test_deadlines(rule, period, expected):
    found = calendar.deadline(rule, period)
    assert found.isoformat(timespec="minutes") == expected
    assert found.tzinfo == LONDON


def test_an_empty_rule_has_no_deadline():
    assert calendar.deadline({}, "2025-06") is None
    with pytest.raises(PeriodError):
        calendar.deadline({}, "June")


def test_the_clocks_going_forward_and_back():
    """30 March 2025 skips 01:00 to 02:00; 26 October 2025 has it twice, and the first one counts."""
    skipped = calendar.deadline({"day": 30, "at": "01:30"}, "2025-03")
    assert skipped.isoformat() == "2025-03-30T02:30:00+01:00"
    twice = calendar.deadline({"day": 26, "at": "01:30"}, "2025-10")
    assert twice.astimezone(UTC) == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    before = calendar.deadline({"day": 29, "at": "12:00"}, "2025-03").astimezone(UTC)
    after = calendar.deadline({"day": 30, "at": "12:00"}, "2025-03").astimezone(UTC)
    assert (before.hour, after.hour) == (12, 11)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"working_day": 10, "hour": 3}, "unknown entries hour"),
        ({"months_after": 1}, "in 0 ways"),
        ({"working_day": 1, "day": 1}, "in 2 ways"),
        ({"day": 1, "month": 6, "months_after": 1}, "both month and months_after"),
        ({"day": 0}, "day = 0"),
        ({"day": 32}, "day = 32"),
        ({"day": "15"}, "day = '15'"),
        ({"day": True}, "day = True"),
        ({"day": 1.5}, "day = 1.5"),
        ({"day": 1, "month": 13}, "month = 13"),
        ({"day": 1, "months_after": 10**9}, "months_after = 1000000000"),
        ({"days_after_opening": -1}, "days_after_opening = -1"),
        ({"working_day": 30}, "There is no working day 30"),
        ({"day": 1, "at": "25:00"}, "at = '25:00'"),
        ({"day": 1, "at": "9:30"}, "at = '9:30'"),
        ({"day": 1, "at": 930}, "at = 930"),
    ],
)
def test_faulty_rules_are_errors_in_words(rule, expected):
    with pytest.raises(RuleError) as error:
        calendar.deadline(rule, "2025-06")
    assert expected in str(error.value)


def test_every_collection_of_the_catalogue_has_readable_rules():
    from trust_benchmarks import catalogue

    for name, collection in catalogue.all().items():
        first = collection.first_period
        due, closes = calendar.due(name, first), calendar.closes(name, first)
        assert (due is None) == (not collection.due) and (closes is None) == (not collection.closes)
        if due and closes:
            assert calendar.period_end(first) < due.date() <= closes.date(), name


@given(MONTHS.filter(lambda period: "2012-02" < period < "2027-10"))
def test_soft_deadlines_come_before_hard_ones(period):
    due = calendar.deadline({"working_day": 10, "months_after": 1, "at": "17:00"}, period)
    closes = calendar.deadline({"working_day": 1, "months_after": 2, "at": "12:00"}, period)
    assert calendar.period_end(period) < due.date() < closes.date()
    assert calendar.is_working_day(due.date())


def test_only_the_standard_library_is_imported():
    """A DAG file may import these when it is parsed, so nothing heavy may come along."""
    allowed = set(sys.stdlib_module_names) | {"trust_benchmarks"}
    tasks_only = {FOLDER / "load_to_warehouse.py", FOLDER / "known_collections.py"}
    for path in set(FOLDER.glob("*.py")) - tasks_only:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed, path.name
    code = "import sys, trust_benchmarks.reference.calendar; print(*{'pandas', 'polars', 'pandera', 'duckdb', 'airflow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
