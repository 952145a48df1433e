"""What a valid workforce return is: ten rows, one a staff group, of one trust in one month."""

import polars as pl

from .fields import MONTH, ODS_CODE, choice, number, text, whole
from .models import Model
from .rules import About, Rule, part_of, reject, warn, within

STAFF_GROUPS = (
    "hchs_doctors",
    "nurses_health_visitors",
    "midwives",
    "scientific_therapeutic_technical",
    "support_to_clinical",
    "central_functions",
    "hotel_property_estates",
    "senior_managers",
    "managers",
    "other",
)

KEY = ("ods_code", "period", "staff_group")
COMPLETE = "staff_group"


class Row(Model):
    """One staff group of one trust in one month."""

    ods_code: str = text("Trust, by ODS code", pattern=ODS_CODE, example="RY8")
    period: str = text("Month that the return is about", pattern=MONTH, example="2025-06")
    staff_group: str = choice("Staff group", STAFF_GROUPS)
    headcount: pl.Int64 = whole("People in post on the last day", "people", ge=0, high=12000)
    fte: pl.Float64 = number("Staff in post on the last day, full-time equivalent", "FTE", ge=0, high=11000)
    role_count: pl.Int64 = whole("Posts held on the last day", "roles", required=False, ge=0, high=13000)
    establishment_fte: pl.Float64 = number("Funded establishment", "FTE", required=False, ge=0, high=12000)
    joiners_hc: pl.Int64 = whole("People who joined in the month", "people", ge=0)
    leavers_hc: pl.Int64 = whole("People who left in the month", "people", ge=0)
    fte_days_available: pl.Float64 = number("FTE days available in the month", "FTE days", ge=0)
    fte_days_lost: pl.Float64 = number("FTE days lost to sickness in the month", "FTE days", ge=0)
    bank_fte: pl.Float64 = number("Own flexible staff deployed", "FTE", required=False, ge=0)
    agency_fte: pl.Float64 = number("Bought-in staff deployed", "FTE", required=False, ge=0)
    substantive_pay_gbp: pl.Float64 = number("Pay of substantive staff in the month, not year to date", "GBP", ge=0)
    bank_pay_gbp: pl.Float64 = number("Pay of bank staff in the month", "GBP", required=False, ge=0)
    agency_pay_gbp: pl.Float64 = number("Pay of agency staff in the month", "GBP", required=False, ge=0)
    community_contacts: pl.Int64 = whole(
        "Contacts of community clinical staff in the month", "contacts", required=False, ge=0
    )
    job_plans_due: pl.Int64 = whole("Doctors who should have a job plan", "people", required=False, ge=0)
    job_plans_signed_off: pl.Int64 = whole("Doctors whose job plan is signed off", "people", required=False, ge=0)
    appraisals_due: pl.Int64 = whole(
        "Appraisals due in the 12 months to the period's end", "people", required=False, ge=0
    )
    appraisals_done: pl.Int64 = whole("Of these, done", "people", required=False, ge=0)
    training_due_hc: pl.Int64 = whole("People who must hold mandatory training", "people", required=False, ge=0)
    training_compliant_hc: pl.Int64 = whole("Of these, up to date", "people", required=False, ge=0)


def rules() -> list[Rule]:
    """The rules between fields; WF-R6 and WF-R7 compare months and live in sql/cross/workforce.sql."""
    c = pl.col
    people, available = c("headcount").sum(), c("fte_days_available").sum()
    # No ratio where there is nobody: null passes.
    ratio = pl.when(people > 0).then(c("fte").sum() / people)
    rate = pl.when(available > 0).then(100 * c("fte_days_lost").sum() / available)
    return [
        reject(
            "WF-R1",
            ("fte", "headcount"),
            c("fte") <= 1.10 * c("headcount") + 1e-9,
            "FTE {fte} exceeds headcount {headcount} by more than 10 percent. Expected at most {most}: correct fte or headcount.",
            values={"most": (c("headcount") * 1.1).round(2)},
        ),
        warn(
            "WF-R2",
            ("fte",),
            within(ratio, 0.70, 1.00),
            "FTE per head over all staff groups is {ratio}. Expected between 0.70 and 1.00 (England is near 0.88): check fte and headcount.",
            scope="submission",
            values={"ratio": ratio.round(3)},
        ),
        reject(
            "WF-R3",
            ("role_count", "headcount"),
            c("role_count") >= c("headcount"),
            "Roles {role_count} are fewer than people {headcount}. Every person holds at least one post: correct role_count or headcount.",
        ),
        reject(
            "WF-R4",
            ("fte_days_lost", "fte_days_available"),
            c("fte_days_lost") <= c("fte_days_available"),
            "FTE days lost {fte_days_lost} exceed FTE days available {fte_days_available}. Correct one of the two.",
        ),
        warn(
            "WF-R8",
            ("fte_days_lost",),
            within(rate, 1, 12),
            "The sickness rate over all staff groups is {rate} percent. Expected between 1 and 12: check fte_days_lost.",
            scope="submission",
            values={"rate": rate.round(2)},
        ),
        part_of("WF-PART", "job_plans_signed_off", "job_plans_due"),
        part_of("WF-PART", "appraisals_done", "appraisals_due"),
        part_of("WF-PART", "training_compliant_hc", "training_due_hc"),
    ]


def rules_about(about: About) -> list[Rule]:
    """The rules that compare a row with the period that its file is about."""
    c = pl.col
    expected_days = c("fte") * about.days
    return [
        warn(
            "WF-R5",
            ("fte_days_available", "fte"),
            (c("fte_days_available") - expected_days).abs() <= 0.05 * expected_days + 0.5,
            "FTE days available {fte_days_available} do not match FTE {fte}. Expected within 5 percent of {days} "
            f"(FTE times {about.days} days): check both.",
            values={"days": expected_days.round(1)},
        ),
    ]
