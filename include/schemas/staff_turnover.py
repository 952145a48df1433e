"""What a valid staff turnover file is: one row an organisation, staff group and flow, as NHS England publishes it."""

import datetime as dt

import polars as pl

from .fields import ODS_CODE, choice, number, text, whole
from .models import Model
from .rules import REJECT, About, Rule, provider_where, reject, warn

FLOWS = ("staff_at_start", "staff_at_end", "joiners", "leavers")
GROUPS = (
    "ambulance", "central_functions", "doctors", "hotel_property_estates", "managers", "midwives",
    "nurses_health_visitors", "scientific_therapeutic_technical", "senior_managers", "support_to_ambulance",
    "support_to_clinical", "support_to_scientific", "unknown",
)  # fmt: skip
PROVIDER_TYPES = ("Acute", "Ambulance", "Community Provider Trust", "Mental Health")
OTHER_TYPES = ("Integrated Care Board",)
BENCHMARK_GROUPS = (
    "Acute - Large", "Acute - Medium", "Acute - Multi-Service", "Acute - Small", "Acute - Specialist",
    "Acute - Teaching", "Ambulance Trust", "Care Trust", "Community Provider Trust", "Integrated Care Board",
    "Mental Health and Learning Disability",
)  # fmt: skip

KEY = ("ods_code", "flow", "staff_group")
COMPLETE = None

# In a national file one organisation's fault must not hold all others: its rows are left out and listed.
SEVERITIES = {"STR03": REJECT}

# Care boards are recorded and counted, never measured.
BODY = provider_where(pl.col("org_type").is_in(PROVIDER_TYPES))


class Row(Model):
    """One organisation, staff group and flow over one month."""

    span: str = text("The two months that the row stands between", example="202509 to 202510", longest=40)
    flow: str = choice("What is counted: staff in post at the start or end, joiners or leavers", FLOWS)
    region_code: str = text("NHS England region, by code", example="Y63", longest=10, role="code")
    region_name: str = text("NHS England region", example="North East and Yorkshire", longest=200, role="name")
    ics_code: str = text("Integrated care system, by code", example="QWO", longest=10, role="code")
    ics_name: str = text("Integrated care system", example="West Yorkshire", longest=200, role="name")
    ods_code: str = text("Organisation, by ODS code", pattern=ODS_CODE, example="RY6")
    org_name: str = text("Organisation", example="Leeds Community Healthcare NHS Trust", longest=200, role="name")
    org_type: str = choice("Kind of organisation", PROVIDER_TYPES + OTHER_TYPES)
    benchmark_group: str = choice("The publisher's benchmark group", BENCHMARK_GROUPS)
    staff_group: str = choice("Staff group; 'all' is the publisher's own total", ("all", *GROUPS))
    headcount: pl.Int64 = whole("People", "persons", ge=0)
    fte: pl.Float64 = number("Full-time equivalents", "FTE", ge=0)


def rules() -> list[Rule]:
    """The rules between fields."""
    c = pl.col
    of = ["ods_code", "flow"]
    is_all = c("staff_group") == "all"
    groups_fte = pl.when(~is_all).then(c("fte")).sum().over(of)
    groups_hc = pl.when(~is_all).then(c("headcount")).sum().over(of)

    def people(flow: str) -> pl.Expr:
        # A flow of nobody has no row, so there it counts as 0; staff in post always has one (ST-R4).
        return pl.when(is_all & (c("flow") == flow)).then(c("headcount")).sum().over("ods_code")

    foretold = people("staff_at_start") + people("joiners") - people("leavers")
    return [
        # Three of the 9,450 rows of October 2025 exceed it, all of them groups of a few people.
        warn(
            "ST-R1",
            ("fte", "headcount"),
            c("fte") <= 1.10 * c("headcount") + 1e-6,
            "{fte} FTE of {headcount} people in {staff_group} of {ods_code}. Expected at most 1.1 FTE a person: check the two figures.",
        ),
        # People with posts in two groups count once in the total, so heads may add up to more; FTE must agree. Where
        # the total does not follow from its groups, nobody can tell from here which is wrong, so it is left out.
        reject(
            "ST-R2",
            ("fte", "headcount"),
            ~is_all | (((groups_fte - c("fte")).abs() <= 0.001) & (groups_hc >= c("headcount"))),
            "The total of {ods_code} ({flow}) is {headcount} people and {fte} FTE, but its staff groups add up to {heads} people and {sum} FTE. "
            "Expected equal FTE, and no fewer heads than the total: correct the total or the groups.",
            values={"heads": groups_hc, "sum": groups_fte.round(5)},
        ),
        warn(
            "ST-R4",
            ("flow",),
            (c("flow") != "staff_at_start") | ~is_all | (is_all & (c("flow") == "staff_at_end")).any().over("ods_code"),
            "{ods_code} has staff at the start of the month and no total at its end, so nothing is measured of it. Expected a row of all staff groups "
            "at the end: add it, or confirm that the organisation closed.",
        ),
        # The bounds of the trusts' own return (WF-R5). In October 2025 the largest gap is 7 people of 29,297.
        warn(
            "ST-R5",
            ("headcount",),
            ~(is_all & (c("flow") == "staff_at_end"))
            | ((foretold - c("headcount")).abs() <= pl.max_horizontal(pl.lit(5.0), 0.02 * c("headcount"))),
            "{ods_code} ends the month with {headcount} people, but those at the start, with joiners and without leavers, make {foretold}. "
            "Expected them to agree to 2 percent or 5 people: check the four totals.",
            values={"foretold": foretold},
        ),
    ]


def rules_about(about: About) -> list[Rule]:
    """The rules that compare a row with the period that its file is about."""
    span = f"{about.period_start - dt.timedelta(days=1):%Y%m} to {about.period_end:%Y%m}"
    return [
        reject(
            "ST-R3",
            ("span",),
            pl.col("span") == span,
            f"The row of {{ods_code}} is about '{{span}}', but the file is about {about.period}. "
            f"Expected '{span}' in every row: send another month as its own file.",
        ),
    ]
