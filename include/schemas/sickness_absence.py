"""What a valid sickness absence file is: one row an organisation, of one month, as NHS England publishes it."""

import polars as pl

from .fields import ODS_CODE, choice, date, number, text
from .models import Model
from .rules import REJECT, About, Rule, provider_where, reject, warn, within

PROVIDER_TYPES = ("Acute", "Ambulance", "Community Provider Trust", "Mental Health")
OTHER_TYPES = ("Commissioning Support Unit", "Integrated Care Board", "Others")

KEY = ("ods_code",)
COMPLETE = None

# In a national file one organisation's fault must not hold all others: its rows are left out and listed.
SEVERITIES = {"STR03": REJECT}

# Care boards, support units and national bodies are recorded and counted, never measured. "Others" holds Blood and
# Transplant, NHS Digital's successors and the like; the social enterprises stand under Community Provider Trust.
BODY = provider_where(pl.col("org_type").is_in(PROVIDER_TYPES))


class Row(Model):
    """One organisation in one month."""

    period_end: pl.Date = date("Last day of the month")
    region_code: str = text("NHS England region, by code", example="Y63", longest=10, role="code")
    region_name: str = text("NHS England region", example="North East and Yorkshire", longest=200, role="name")
    ics_code: str = text("Integrated care system, by code", example="QWO", longest=10, role="code")
    ics_name: str = text("Integrated care system", example="West Yorkshire", longest=200, role="name")
    ods_code: str = text("Organisation, by ODS code", pattern=ODS_CODE, example="RY6")
    org_name: str = text("Organisation", example="Leeds Community Healthcare NHS Trust", longest=200, role="name")
    org_type: str = choice("Kind of organisation", PROVIDER_TYPES + OTHER_TYPES)
    fte_days_lost: pl.Float64 = number("FTE days lost to sickness in the month", "FTE days", ge=0)
    fte_days_available: pl.Float64 = number("FTE days available in the month", "FTE days", gt=0)
    sickness_rate_pct: pl.Float64 = number("Sickness absence rate as published", "%", ge=0, le=100)


def rules() -> list[Rule]:
    """The rules between fields."""
    c = pl.col
    rate = 100 * c("fte_days_lost") / c("fte_days_available")
    return [
        reject(
            "SA-R1",
            ("fte_days_lost", "fte_days_available"),
            c("fte_days_lost") <= c("fte_days_available"),
            "FTE days lost {fte_days_lost} of {ods_code} exceed FTE days available {fte_days_available}. Correct one of the two.",
        ),
        # All 2,554 rows of April to December 2024 agree to half a unit of the second decimal. Where one does not, one
        # of its three figures is wrong and nobody can tell which from here, so the row is left out, not only listed.
        reject(
            "SA-R2",
            ("sickness_rate_pct", "fte_days_lost", "fte_days_available"),
            (rate - c("sickness_rate_pct")).abs() <= 0.005 + 1e-6,
            "The published rate {sickness_rate_pct} of {ods_code} does not follow from {fte_days_lost} days lost of {fte_days_available} available, "
            "which make {rate}. Expected equal to two decimals: correct the rate or the days.",
            values={"rate": rate.round(2)},
        ),
        # The bounds of the trusts' own return (WF-R8); published rates of providers run from 1.84 to 9.68.
        warn(
            "SA-R4",
            ("sickness_rate_pct",),
            within(c("sickness_rate_pct"), 1, 12) | (BODY != "provider"),
            "The sickness rate {sickness_rate_pct} of {ods_code} is unusual. Expected between 1 and 12 percent: check the days lost.",
        ),
    ]


def rules_about(about: About) -> list[Rule]:
    """The rules that compare a row with the period that its file is about."""
    c = pl.col
    return [
        reject(
            "SA-R3",
            ("period_end",),
            c("period_end") == about.period_end,
            f"The row of {{ods_code}} is dated {{period_end}}, but the file is about {about.period}. "
            f"Expected {about.period_end:%d/%m/%Y} in every row: send another month as its own file.",
        ),
    ]
