"""E rostering: random returns, and their figures a second time, written from the methods in words and not from the SQL."""

import math

from random_returns import numbers
from second_calculation import ratio


def metrics(now, year, period, others):
    """Metrics of one trust over its wards."""
    e = now.reset_index(drop=True)
    reg = e.reg_day_actual_h + e.reg_night_actual_h
    unreg = e.unreg_day_actual_h + e.unreg_night_actual_h
    actual = reg + unreg
    patients = e.patient_days.astype(float)
    lead = sorted(e.approval_lead_days.dropna())
    middle = (lead[(len(lead) - 1) // 2] + lead[len(lead) // 2]) / 2 if lead else math.nan
    leave = e.annual_leave_pct.dropna()
    hour = e.ward_pay_gbp.sum() / actual.sum() if actual.sum() > 0 else math.nan
    owed = e.net_hours_owed.where(e.net_hours_owed.isna() | (e.net_hours_owed > 0), 0.0)
    return {
        "ER01": ratio(e, actual, patients, 1),
        "ER02": ratio(e, reg, patients, 1),
        "ER03": ratio(e, reg, e.reg_day_planned_h + e.reg_night_planned_h),
        "ER04": ratio(e, unreg, e.unreg_day_planned_h + e.unreg_night_planned_h),
        "ER05": (middle, math.nan, middle, math.nan),
        "ER06": ratio(e, owed, e.contracted_hours, 100, lambda hours: hours * hour / 100),
        "ER07": (
            float(leave.between(11, 17).sum()),
            float(len(leave)),
            100 * leave.between(11, 17).sum() / len(leave) if len(leave) else math.nan,
            math.nan,
        ),
        "ER08": ratio(e, e.additional_duties, e.template_duties),
        "ER09": ratio(e, e.bank_hours + e.agency_hours, actual),
        "ER10": ratio(
            e,
            (e.unavailability_pct - e.funded_headroom_pct) * e.contracted_hours,
            e.contracted_hours.where((e.unavailability_pct - e.funded_headroom_pct).notna()),
            1,
        ),
        "ER11": ratio(e, e.ward_pay_gbp, patients, 1, lambda days: days),
    }


def rows(rng, code, period):
    """Up to five wards."""
    return [
        {"site_code": f"{code}01", "ward_id": f"W{i}", "net_hours_owed": rng.choice([None, -20.5, 0.0, 31.25])}
        | numbers("e_rostering", rng, {"net_hours_owed"})
        for i in range(rng.randint(1, 5))
    ]
