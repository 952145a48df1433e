"""Periods and dates as people write them: what is read, and what is refused because it could be two things."""

import datetime as dt

import polars as pl
import pytest
from trust_benchmarks.reading import periods

JUNE = [
    "2025-06", "2025-6", "2025/06", "2025/6", "2025.06", "2025 06", "2025_06", "202506", "06/2025", "6/2025", "06-2025",
    "Jun-25", "Jun 25", "jun-25", "JUN-2025", "June 2025", "June, 2025", "Jun '25", "Jun25", "2025-Jun", "2025 June",
    "01/06/2025", "1/6/2025", "30/06/2025", "30/06/25", "01.06.2025", "30-06-2025", "2025-06-01", "2025-06-30",
    "2025-06-01 00:00:00", "2025-06-01T00:00:00", "2025/06/30", "1 June 2025", "1st June 2025", "30-Jun-2025", "30-Jun-25",
    " 2025-06 ", "\u00a02025-06\u200b", "'2025-06", "2025\u201306",
]  # fmt: skip
NO_MONTH = [
    "", "2025", "2025-13", "2025-00", "25-Jun", "15/06/2025", "2025-06-15", "2025-06-25", "06/30/2025", "06/05/2025", "2024-25", "24/25",
    "31/06/2025", "2025-06-31", "Juin 2025", "Q1 2025", "45809", "June", "x2025-06", "2025-06-", "0000-06", "2" * 5000,
]  # fmt: skip
YEARS = [
    "2024-25", "2024/25", "24/25", "24-25", "2024-2025", "2024/2025", "FY24/25", "FY 2024-25", "fy2024/25", "2024\u201325",
    "2024 / 25", "2024_25", "202425", " 2024-25\u00a0", "Financial year 2024/25",
]  # fmt: skip
NO_YEAR = ["2024", "FY25", "2024-26", "2025-06", "24/26", "2024-24", "2025/24", "2024-2026", "", "2025-06-30"]


@pytest.mark.parametrize("text", JUNE)
def test_a_month_is_read(text):
    assert periods.read(pl.Series([text]), "month").to_list() == ["2025-06"]


@pytest.mark.parametrize("text", NO_MONTH)
def test_what_is_no_one_month_is_not(text):
    assert periods.read(pl.Series([text]), "month").to_list() == [None]


@pytest.mark.parametrize("text", YEARS)
def test_a_financial_year_is_read(text):
    assert periods.read(pl.Series([text]), "financial_year").to_list() == ["2024-25"]


@pytest.mark.parametrize("text", NO_YEAR)
def test_what_is_no_one_financial_year_is_not(text):
    assert periods.read(pl.Series([text]), "financial_year").to_list() == [None]


def test_the_end_of_a_century():
    texts = pl.Series(["1999-00", "1999/2000", "99/00", "2099-00"])
    assert periods.read(texts, "financial_year").to_list() == ["1999-00", "1999-00", "2099-00", "2099-00"]


DAY = dt.date(2025, 6, 30)


@pytest.mark.parametrize(
    "text",
    ["30/06/2025", "30/6/2025", "30/06/25", "30-06-2025", "30.06.2025", "2025-06-30", "2025-06-30 00:00:00", "30-Jun-25", "30 June 2025"],
)  # fmt: skip
def test_a_date_where_the_layout_puts_the_day_first(text):
    assert periods.dates(pl.Series([text]), "%d/%m/%Y").to_list() == [DAY]
    assert periods.months_of_dates(pl.Series([text]), "%d/%m/%Y").to_list() == ["2025-06"]


def test_the_day_comes_first_only_where_the_layout_or_the_column_shows_it():
    assert periods.dates(pl.Series(["04/06/2025", "05/06/2025"])).to_list() == [None, None]
    shown = periods.dates(pl.Series(["04/06/2025", "13/06/2025", None, ""]))
    assert shown.to_list() == [dt.date(2025, 6, 4), dt.date(2025, 6, 13), None, None]
    mixed = periods.dates(pl.Series(["04/06/2025", "13/06/2025", "06/13/2025"]))
    assert mixed.to_list() == [None, None, None]


@pytest.mark.parametrize(
    "text", ["31/06/2025", "30/13/2025", "0025-06-30x", "25-06-2025-1", "30/06", "noon", "00/06/2025"]
)
def test_what_is_no_date_is_not(text):
    assert periods.dates(pl.Series([text]), "%d/%m/%Y").to_list() == [None]


def test_a_two_digit_year_is_never_the_year_25():
    assert periods.dates(pl.Series(["30/06/25"]), "%d/%m/%Y").dt.year().to_list() == [2025]


def test_empty_columns():
    for texts in (pl.Series([], dtype=pl.String), pl.Series([None, None], dtype=pl.String)):
        assert periods.read(texts, "month").null_count() == texts.len()
        assert periods.dates(texts).dtype == pl.Date
