"""What a valid e-rostering return is: a row a ward of one trust in one month, with care hours and roster measures."""

from typing import Any

import polars as pl

from .fields import MONTH, ODS_CODE, choice, number, text, whole
from .models import Model
from .rules import Rule, reject, warn, within

SPECIALTIES = (
    "adult_acute",
    "older_adult",
    "picu",
    "rehab",
    "forensic",
    "learning_disability",
    "camhs",
    "community_inpatient",
    "other",
)

KEY = ("ods_code", "period", "ward_id")
COMPLETE = None


def _hours(title: str) -> Any:
    return number(title, "hours", ge=0, high=6000)


class Row(Model):
    """One ward of one trust in one month."""

    ods_code: str = text("Trust, by ODS code", pattern=ODS_CODE, example="RY8")
    period: str = text("Month that the return is about", pattern=MONTH, example="2025-06")
    site_code: str = text("Site, by ODS site code", pattern=r"^[A-Z0-9]{5}$", example="RY801")
    ward_id: str = text("Ward, by a stable code of the trust's own", example="W01", longest=40, role="code")
    ward_specialty: str = choice("What the ward is for", SPECIALTIES)
    patient_days: pl.Int64 = whole("Sum of the nightly patient counts of the month", "patient days", ge=0, high=1300)
    reg_day_planned_h: pl.Float64 = _hours("Registered staff, day, planned")
    reg_day_actual_h: pl.Float64 = _hours("Registered staff, day, worked")
    reg_night_planned_h: pl.Float64 = _hours("Registered staff, night, planned")
    reg_night_actual_h: pl.Float64 = _hours("Registered staff, night, worked")
    unreg_day_planned_h: pl.Float64 = _hours("Support staff, day, planned")
    unreg_day_actual_h: pl.Float64 = _hours("Support staff, day, worked")
    unreg_night_planned_h: pl.Float64 = _hours("Support staff, night, planned")
    unreg_night_actual_h: pl.Float64 = _hours("Support staff, night, worked")
    chppd_submitted: pl.Float64 = number("Care hours per patient day as the trust computes it", "hours", required=False)
    bank_hours: pl.Float64 = number("Of the hours worked, by bank staff", "hours", required=False, ge=0)
    agency_hours: pl.Float64 = number("Of the hours worked, by agency staff", "hours", required=False, ge=0)
    contracted_hours: pl.Float64 = number("Hours under contract", "hours", required=False, ge=0)
    net_hours_owed: pl.Float64 = number(
        "Hours that staff owe (positive) or are owed", "hours", required=False, low=-500, high=500
    )
    approval_lead_days: pl.Int64 = whole(
        "Days from full approval to the roster's start", "days", required=False, high=84
    )
    annual_leave_pct: pl.Float64 = number("Annual leave share", "%", required=False, ge=0, le=100, low=5, high=25)
    unavailability_pct: pl.Float64 = number("All unavailability", "%", required=False, ge=0, le=100, low=15, high=40)
    funded_headroom_pct: pl.Float64 = number("Funded headroom", "%", required=False, ge=0, le=100, low=15, high=30)
    additional_duties: pl.Int64 = whole("Duties beyond the template", "duties", required=False, ge=0)
    template_duties: pl.Int64 = whole("Duties of the template", "duties", required=False, gt=0)
    ward_pay_gbp: pl.Float64 = number("Pay of the ward's staff in the month", "GBP", ge=0)


def rules() -> list[Rule]:
    """The rules between fields; ER-R6 and ER-R7 compare months and collections and live in sql/cross/e_rostering.sql."""
    c = pl.col
    actual = c("reg_day_actual_h") + c("reg_night_actual_h") + c("unreg_day_actual_h") + c("unreg_night_actual_h")
    planned = c("reg_day_planned_h") + c("reg_night_planned_h") + c("unreg_day_planned_h") + c("unreg_night_planned_h")
    chppd = pl.when(c("patient_days") > 0).then(actual / c("patient_days"))
    fill = pl.when(planned > 0).then(100 * actual / planned)
    temporary = c("bank_hours").fill_null(0) + c("agency_hours").fill_null(0)
    return [
        reject(
            "ER-R1",
            ("patient_days",),
            (c("patient_days") > 0) | (actual == 0),
            "{hours} hours were worked on ward {ward_id} but patient_days is {patient_days}. "
            "Expected patient days above 0: give them, or 0 hours if the ward was closed.",
            values={"hours": actual.round(1)},
        ),
        reject(
            "ER-R2",
            ("chppd_submitted", "patient_days"),
            # The submitted figure has two decimals; half of the last one is its rounding.
            (c("chppd_submitted") - chppd).abs() <= 0.05 + 1e-9,
            "Care hours per patient day are given as {chppd_submitted} but the hours and patient days make {chppd}. "
            "Expected within 0.05: correct the figure, the hours or the patient days.",
            values={"chppd": chppd.round(2)},
        ),
        warn(
            "ER-R3",
            ("chppd_submitted", "ward_specialty"),
            within(chppd, 3, 30),
            "Care hours per patient day come to {chppd} on this {ward_specialty} ward. "
            "Usual is 3 to 30: check hours and patient days, or confirm.",
            values={"chppd": chppd.round(2)},
        ),
        warn(
            "ER-R4",
            ("reg_day_actual_h",),
            within(fill, 50, 200),
            "Hours worked are {fill} percent of hours planned. Usual is 50 to 200: check planned and actual hours.",
            values={"fill": fill.round(1)},
        ),
        reject(
            "ER-R5",
            ("bank_hours", "agency_hours"),
            temporary <= actual + 1e-6,
            "Bank {bank_hours} and agency {agency_hours} hours together exceed the {hours} hours worked. "
            "Expected no more than all hours: correct them.",
            values={"hours": actual.round(1)},
        ),
    ]
