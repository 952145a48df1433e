"""What a valid medicines and pharmacy return is: one row of one trust in one month."""

import polars as pl

from .fields import MONTH, ODS_CODE, number, text, whole
from .models import Model
from .rules import About, Rule, part_of, warn, within

KEY = ("ods_code", "period")
COMPLETE = None


class Row(Model):
    """One trust in one month."""

    ods_code: str = text("Trust, by ODS code", pattern=ODS_CODE, example="RY8")
    period: str = text("Month that the return is about", pattern=MONTH, example="2025-06")
    pharmacy_hours_total: pl.Float64 = number("Hours worked by pharmacy staff", "hours", ge=0)
    pharmacy_hours_clinical: pl.Float64 = number("Of these, on clinical work", "hours", ge=0)
    pharmacist_fte: pl.Float64 = number("Pharmacists", "FTE", ge=0, low=1, high=80)
    technician_fte: pl.Float64 = number("Pharmacy technicians", "FTE", ge=0, high=80)
    medicines_spend_gbp: pl.Float64 = number("Spend on medicines in the month", "GBP", ge=0)
    stock_value_gbp: pl.Float64 = number("Value of stock at the month's end", "GBP", required=False, ge=0)
    issues_value_gbp: pl.Float64 = number("Value of stock issued in the month", "GBP", required=False, ge=0)
    inpatient_wards: pl.Int64 = whole("Inpatient wards open in the month", "wards", ge=0, high=120)
    wards_epma: pl.Int64 = whole("Of these, prescribing electronically", "wards", required=False, ge=0)
    admissions_audited: pl.Int64 = whole("Admissions audited for reconciliation", "people", required=False, ge=0)
    reconciled_24h: pl.Int64 = whole("Of these, reconciled within 24 hours", "people", required=False, ge=0)


def rules() -> list[Rule]:
    """The rules between fields: what was found, what is expected, and what to do. All bounds are general knowledge."""
    c = pl.col
    share = pl.when(c("pharmacy_hours_total") > 0).then(100 * c("pharmacy_hours_clinical") / c("pharmacy_hours_total"))
    return [
        part_of("MP-R1", "pharmacy_hours_clinical", "pharmacy_hours_total"),
        part_of("MP-R1", "wards_epma", "inpatient_wards"),
        part_of("MP-R1", "reconciled_24h", "admissions_audited"),
        warn(
            "MP-R3",
            ("pharmacy_hours_clinical", "pharmacy_hours_total"),
            within(share, 20, 95),
            "Clinical work takes {share} percent of pharmacy hours. Expected between 20 and 95 percent: check both, or confirm.",
            values={"share": share.round(1)},
        ),
    ]


def rules_about(about: About) -> list[Rule]:
    """The rules that compare a row with the period that its file is about."""
    c = pl.col
    stock_days = pl.when(c("issues_value_gbp") > 0).then(about.days * c("stock_value_gbp") / c("issues_value_gbp"))
    return [
        warn(
            "MP-R4",
            ("stock_value_gbp", "issues_value_gbp"),
            within(stock_days, 10, 60),
            "Stock of {stock_value_gbp} would last {days} days at issues of {issues_value_gbp} a month. "
            "Expected 10 to 60 days: check that both are in whole pounds and of this month, or confirm.",
            values={"days": stock_days.round(1)},
        ),
    ]
