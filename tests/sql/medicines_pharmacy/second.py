"""Medicines and pharmacy: figures of random returns a second time, written from the methods in words and not from the SQL."""

import calendar
import math

from second_calculation import protected, ratio


def metrics(now, year, period, others):
    """MP01-MP05 of one trust; in April income to date is the month's."""
    assert period.endswith("-04")
    finance = others["finance_oversight"]
    income = finance[finance.period == period].income_ytd_gbp
    days = calendar.monthrange(int(period[:4]), int(period[5:]))[1]
    return {
        "MP01": ratio(now, now.pharmacy_hours_clinical, now.pharmacy_hours_total),
        "MP02": ratio(
            now, now.medicines_spend_gbp, now.medicines_spend_gbp * 0 + (income.iloc[0] if len(income) else math.nan)
        ),
        "MP03": ratio(now, now.stock_value_gbp, now.issues_value_gbp / days, 1),
        "MP04": ratio(now, now.wards_epma, now.inpatient_wards),
        "MP05": protected(ratio(now, now.reconciled_24h, now.admissions_audited)),
    }
