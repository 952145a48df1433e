"""What a valid estates file is: the sites and the trusts of all providers in one financial year (ERIC), as published."""

from typing import Any

import polars as pl

from .fields import FINANCIAL_YEAR, ODS_CODE, choice, number, text, whole
from .models import Model
from .rules import REJECT, About, Rule, reject, warn

# The categories of 2015/16 and after; the year before had others, which its layout maps by name.
SITE_TYPES = (
    "general_acute",
    "specialist_acute",
    "mixed_service",
    "mental_health",
    "learning_disability",
    "mental_health_ld",
    "community_inpatient",
    "other_inpatient",
    "non_inpatient",
    "support",
    "unreported",
)
TENURES = ("freehold", "leasehold", "nhs_property_services", "chp_lift", "other")
STATUSES = ("measured", "estimated", "not_applicable", "not_provided")
BACKLOG = ("backlog_high_gbp", "backlog_significant_gbp", "backlog_moderate_gbp", "backlog_low_gbp")
COSTS = ("hard_fm_gbp", "soft_fm_gbp", "energy_gbp")
TOTALLED = ("gia_m2", "occupied_m2", *COSTS, "backlog_total_gbp")

# A site code alone names no site: AGGRE stands once in each of 135 trusts of 2014/15. A trust's own row carries the
# trust's code in `site_code`, put there by the layouts, so that the key is whole.
KEY = ("ods_code", "level", "site_code")
COMPLETE = None

# One trust's repeated site must not hold the file of 240 trusts.
SEVERITIES = {"STR03": REJECT}


def _amount(title: str) -> Any:
    return number(title, "GBP", required=False, ge=0)


def _area(title: str, **bounds: float) -> Any:
    return number(title, "m2", required=False, **(bounds or {"ge": 0}))


class Row(Model):
    """One site, or one trust, in one financial year."""

    level: str = choice("What the row is about", ("site", "trust"))
    ods_code: str = text("Trust, by ODS code", pattern=ODS_CODE, example="RY8")
    financial_year: str = text("Financial year, April to March", pattern=FINANCIAL_YEAR, example="2016-17")
    site_code: str = text(
        "Site, by ODS site code", required=False, shortest=3, longest=10, example="RY801", role="code"
    )
    site_name: str = text("Site, or trust, by name", required=False, longest=200, role="name")
    site_type: str = choice("What the site is for", SITE_TYPES, required=False)
    tenure: str = choice("How the site is held", TENURES, required=False)
    gia_m2: pl.Float64 = _area("Gross internal floor area", gt=0)
    occupied_m2: pl.Float64 = _area("Occupied floor area")
    clinical_m2: pl.Float64 = _area("Clinical space")
    non_clinical_m2: pl.Float64 = _area("Non-clinical space")
    empty_m2: pl.Float64 = _area("Empty floor area")
    under_used_m2: pl.Float64 = _area("Under-used floor area")
    hard_fm_gbp: pl.Float64 = _amount("Hard facilities management: maintenance, grounds, equipment, energy, water")
    soft_fm_gbp: pl.Float64 = _amount("Soft facilities management: cleaning, food, laundry, portering, waste, other")
    finance_gbp: pl.Float64 = _amount("Estates and facilities finance costs")
    energy_gbp: pl.Float64 = _amount("Energy, all supplies; part of hard facilities management")
    electricity_kwh: pl.Float64 = number("Electricity consumed", "kWh", required=False, ge=0)
    gas_kwh: pl.Float64 = number("Gas consumed", "kWh", required=False, ge=0)
    cleaning_gbp: pl.Float64 = _amount("Cleaning; part of soft facilities management")
    food_gbp: pl.Float64 = _amount("Inpatient food; part of soft facilities management")
    meal_days: pl.Int64 = whole("Inpatient meal days", "days", required=False, ge=0)
    backlog_high_gbp: pl.Float64 = _amount("Backlog of high risk")
    backlog_significant_gbp: pl.Float64 = _amount("Backlog of significant risk")
    backlog_moderate_gbp: pl.Float64 = _amount("Backlog of moderate risk")
    backlog_low_gbp: pl.Float64 = _amount("Backlog of low risk")
    backlog_total_gbp: pl.Float64 = _amount("Backlog of all risks")
    age_profile_total_pct: pl.Float64 = number("Age bands added up", "%", required=False, ge=0)
    value_status: str = choice("How the row's figures came about", STATUSES)


def rules() -> list[Rule]:
    """The rules between fields; ES-R7 and ES-R8 compare trusts and years and live in sql/cross/estates.sql.

    A rule passes where the template does not ask for one of its fields, or where a word stands for the figure.
    """
    c = pl.col
    space = c("clinical_m2") + c("non_clinical_m2")
    bands = pl.sum_horizontal(*BACKLOG, ignore_nulls=False)
    on_site = c("level") == "site"
    return [
        # Every published site has a code, a type and a gross area (3,725 of 3,725), and an occupied area.
        reject(
            "ES-SITE",
            ("site_code", "site_type", "gia_m2", "occupied_m2"),
            ~on_site
            | pl.all_horizontal(c(n).is_not_null() for n in ("site_code", "site_type", "gia_m2", "occupied_m2")),
            "A site row lacks what every site must have: code {site_code}, type {site_type}, gross area {gia_m2}, occupied area {occupied_m2}. "
            "Expected all four: fill them, or leave the site out.",
        ),
        warn(
            "ES-COST",
            COSTS,
            ~on_site
            | ~c("value_status").is_in(["measured", "estimated"])
            | pl.all_horizontal(c(n).is_not_null() for n in COSTS),
            "Hard FM {hard_fm_gbp}, soft FM {soft_fm_gbp} or energy {energy_gbp} is blank on a site whose figures are {value_status}. "
            "Expected an amount, 0 where there is no cost, or the word that says why there is none.",
        ),
        # 2014/15: 2 of 1,251 sites (RDDH0, RGN80), both by far.
        reject(
            "ES-R1",
            ("occupied_m2", "gia_m2"),
            c("occupied_m2") <= c("gia_m2") + 1e-6,
            "Occupied area {occupied} exceeds gross internal area {gia} at {site_code}. Expected at most the gross area: correct one of the two.",
            values={"occupied": c("occupied_m2"), "gia": c("gia_m2")},
        ),
        # Held in only 41 of 74 trusts in 2015/16, so never an error; breached by 138 of 1,213 sites of 2016/17.
        warn(
            "ES-R2",
            ("clinical_m2", "non_clinical_m2", "occupied_m2"),
            (space - c("occupied_m2")).abs() <= 0.01 * c("occupied_m2") + 1e-6,
            "Clinical and non-clinical space make {space}, but {occupied} is occupied at {site_code}. Expected equal within 1 percent: check the three areas.",
            values={"space": space, "occupied": c("occupied_m2")},
        ),
        reject(
            "ES-R3",
            ("clinical_m2", "non_clinical_m2", "gia_m2"),
            space <= c("gia_m2") + 1e-6,
            "Clinical and non-clinical space make {space}, more than the gross area {gia} at {site_code}. Expected at most the gross area: correct the areas.",
            values={"space": space, "gia": c("gia_m2")},
        ),
        reject(
            "ES-R4",
            ("backlog_total_gbp", *BACKLOG),
            (c("backlog_total_gbp") - bands).abs() <= 1 + 1e-6,
            "Backlog {total} is not the sum of its four risks, {bands}, at {site_code}. Expected equal within 1 GBP: correct the total or a risk.",
            values={"total": c("backlog_total_gbp").round(2), "bands": bands.round(2)},
        ),
        # 2014/15: 1 of 1,251 sites (RQW AGGRE) with all bands 0; none in 2016/17 and 2019/20.
        reject(
            "ES-R5",
            ("age_profile_total_pct",),
            (c("age_profile_total_pct") - 100).abs() <= 0.5 + 1e-6,
            "The age bands add up to {age} percent at {site_code}. Expected 100 within 0.5: correct the bands.",
            values={"age": c("age_profile_total_pct").round(2)},
        ),
        *(_part(part, whole_) for part, whole_ in (("empty_m2", "gia_m2"), ("under_used_m2", "occupied_m2"))),
        *(_total(name) for name in TOTALLED),
    ]


def rules_about(about: About) -> list[Rule]:
    """The rules that compare a row with the period that its file is about."""
    c = pl.col
    return [
        reject(
            "ES-YEAR",
            ("financial_year",),
            c("financial_year") == about.period,
            f"The row is about {{financial_year}}, but the file is about {about.period}. Expected {about.period} in every row.",
        ),
    ]


def _part(part: str, full: str) -> Rule:
    return reject(
        "ES-PART",
        (part, full),
        pl.col(part) <= pl.col(full) + 1e-6,
        f"{part} {{part}} is more than {full} {{full}} at {{site_code}}. A part cannot exceed its whole: correct one of the two.",
        values={"part": pl.col(part).round(1), "full": pl.col(full)},
    )


def _total(name: str) -> Rule:
    """ES-R6: a trust's row equals its sites. Either may be wrong; the trust's row goes, for only sites are measured."""
    is_site = pl.col("level") == "site"
    # Null where the table has no site of the trust: published workbooks keep trusts and sites in two sheets.
    at_sites = pl.when(is_site.any().over("ods_code")).then(pl.when(is_site).then(pl.col(name)).sum().over("ods_code"))
    own = pl.col(name)
    return reject(
        "ES-R6",
        (name,),
        (pl.col("level") != "trust") | ((own - at_sites).abs() <= 0.005 * at_sites + 0.005),
        f"{name} of trust {{ods_code}} is {{own}}, but its sites add up to {{sites}}. "
        "Expected equal within 0.5 percent: correct the trust's row or a site. The trust's row was left out.",
        values={"own": own.round(2), "sites": at_sites.round(2)},
    )
