"""Workforce: random returns, and their figures a second time, written from the methods in words and not from the SQL."""

import math

from random_returns import numbers
from second_calculation import NONE, protected, ratio
from trust_benchmarks import schemas

NURSES, SUPPORT = "nurses_health_visitors", "support_to_clinical"
INFRASTRUCTURE = ["central_functions", "hotel_property_estates", "senior_managers", "managers"]
# Weekdays of April 2025 (22) without Good Friday and Easter Monday.
WORKING_DAYS = {"2025-04": 20}


def metrics(now, year, period, others):
    """Metrics of one trust: `now` its rows of the period, `year` those of the twelve months ending in it."""
    w = now.reset_index(drop=True)
    pay = w.substantive_pay_gbp + w.bank_pay_gbp + w.agency_pay_gbp
    deployed = w.fte + w.bank_fte + w.agency_fte
    has_both = {NURSES, SUPPORT} <= set(w.staff_group)
    nursing = w[w.staff_group.isin([NURSES, SUPPORT])]
    infrastructure = w[w.staff_group.isin(INFRASTRUCTURE)]
    pay_per_day = w.substantive_pay_gbp.sum() / w.fte_days_available.sum() if w.fte_days_available.sum() else math.nan
    found = {
        "WF01": (w.fte.sum(), math.nan, w.fte.sum(), math.nan),
        "WF02": protected(ratio(w, w.fte, w.headcount.astype(float), 1), people=("denominator",)),
        "WF03": ratio(w, w.establishment_fte - w.fte, w.establishment_fte),
        "WF04": ratio(w, w.fte_days_lost, w.fte_days_available, 100, lambda days: days * pay_per_day / 100),
        "WF05": NONE,
        "WF07": ratio(w, w.agency_pay_gbp.where(pay.notna()), pay, 100, lambda total: total / 100),
        "WF08": ratio(w, w.bank_fte + w.agency_fte, deployed),
        "WF09": ratio(nursing, nursing.fte.where(nursing.staff_group == NURSES, 0.0), nursing.fte)
        if has_both
        else NONE,
        "WF10": ratio(w, w.substantive_pay_gbp, w.fte, 1),
        "WF11": (
            infrastructure.fte.sum(),
            w.fte.sum(),
            100 * infrastructure.fte.sum() / w.fte.sum(),
            math.nan,
        ),
        "WF12": protected(ratio(w, w.appraisals_done, w.appraisals_due)),
        "WF13": protected(ratio(w, w.training_compliant_hc, w.training_due_hc)),
        "WF15": ratio(w, w.community_contacts, w.fte * WORKING_DAYS[period], 1),
        "WF16": protected(ratio(w, w.job_plans_signed_off, w.job_plans_due)),
    }
    if year.period.nunique() == 12:
        mean = year.groupby("period").headcount.sum().mean()
        found["WF05"] = protected((year.leavers_hc.sum(), mean, 100 * year.leavers_hc.sum() / mean, math.nan))
    return found


def rows(rng, code, period):
    """Every staff group, but for a few that are left out."""
    groups = schemas.load("workforce").fields["staff_group"].options
    return [{"staff_group": g} | numbers("workforce", rng) for g in groups if rng.random() > 0.02]
