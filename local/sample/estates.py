"""The national estates file of a financial year: every site and one row of totals for each trust, in a template of our own."""

from functools import partial
from typing import Any

import numpy as np

from .tables import Table
from .world import Organisation, World

COLUMNS = [
    "level", "ods_code", "financial_year", "site_code", "site_name", "site_type", "tenure", "gia_m2", "occupied_m2",
    "clinical_m2", "non_clinical_m2", "empty_m2", "under_used_m2", "hard_fm_gbp", "soft_fm_gbp", "finance_gbp",
    "energy_gbp", "electricity_kwh", "gas_kwh", "cleaning_gbp", "food_gbp", "meal_days", "backlog_high_gbp",
    "backlog_significant_gbp", "backlog_moderate_gbp", "backlog_low_gbp", "backlog_total_gbp",
    "age_profile_total_pct", "value_status",
]  # fmt: skip
AREAS = ("gia_m2", "occupied_m2", "clinical_m2", "non_clinical_m2", "empty_m2", "under_used_m2")
BACKLOG = ("backlog_high_gbp", "backlog_significant_gbp", "backlog_moderate_gbp", "backlog_low_gbp")
SUMMED = (
    *AREAS, "hard_fm_gbp", "soft_fm_gbp", "finance_gbp", "energy_gbp", "electricity_kwh", "gas_kwh", "cleaning_gbp",
    "food_gbp", "meal_days", *BACKLOG, "backlog_total_gbp",
)  # fmt: skip
TENURES = ("freehold", "leasehold", "nhs_property_services", "chp_lift", "other")
INPATIENT = ("mental_health", "learning_disability", "mental_health_ld", "community_inpatient", "other_inpatient")


Site = dict[str, Any]  # what a site has, by the name of its column or of what makes it peculiar


def table(world: World, year: str) -> Table:
    """The clean national file of a financial year 'YYYY-YY'."""
    rows = []
    for org in world.organisations:
        own = world.once(("sites", org.code), partial(_sites, world, org))
        sites = [_in_year(world, org, site, year) for site in own]
        rows += [_row(site) for site in sites]
        rows.append(_row(_total(org, year, sites)))
    return Table(list(COLUMNS), rows)


def _sites(world: World, org: Organisation) -> list[Site]:
    """The sites of a trust with what is peculiar to them; the last one is tiny, so that a fault in it moves no total."""
    rng = world.rng("sites", org.code)
    count = int(rng.integers(8, 26))
    whole = org.size * rng.uniform(13, 19)
    share = rng.pareto(1.8, count) + 0.15
    share[-1] = 0
    areas = np.maximum(160, whole * share / share.sum())
    areas[-1] = max(60, whole * 0.0015)
    kinds = INPATIENT[:3] if org.sector == "mental_health" else INPATIENT
    sites = []
    for n, gia in enumerate(areas):
        unreported = n == count - 2 and rng.random() < 0.3
        inpatient = n < max(1, count // 4)
        kind = str(rng.choice(kinds)) if inpatient else str(rng.choice(["non_inpatient", "non_inpatient", "support"]))
        sites.append(
            {
                "site_code": "OTHER" if unreported else f"{org.code[:3]}{n + 1:02d}",
                "site_name": "All sites not reported one by one" if unreported else f"Sample site {n + 1:02d}",
                "site_type": "unreported" if unreported else kind,
                "tenure": str(rng.choice(TENURES, p=[0.5, 0.28, 0.12, 0.07, 0.03])),
                "inpatient": inpatient,
                "gia": gia,
                "use": rng.uniform(0.88, 0.97),
                "non_clinical": rng.uniform(0.25, 0.42),
                "under_used": rng.uniform(0.0, 0.09),
                "hard": rng.uniform(45, 74),
                "soft": rng.uniform(65, 108),
                "finance": rng.uniform(40, 80),
                "energy": rng.uniform(11, 19),
                "electricity": rng.uniform(40, 100),
                "gas": rng.uniform(90, 220),
                "cleaning": rng.uniform(26, 50),
                "meal": rng.uniform(8, 15),
                "backlog": rng.uniform(12, 170),
                "risk": rng.dirichlet([1, 2, 3, 2]),
                "estimated": rng.random() < 0.15,
            }
        )
    return sites


def _in_year(world: World, org: Organisation, site: Site, year: str) -> Site:
    rng = world.rng("estates", org.code, site["site_code"], year)

    def near(value: float, by: float = 0.04) -> float:
        return value * rng.uniform(1 - by, 1 + by)

    gia = round(site["gia"], 1)
    occupied = round(gia * site["use"], 1)
    non_clinical = round(occupied * site["non_clinical"], 1)
    backlog = [round(near(gia * site["backlog"] * share), 2) for share in site["risk"]]
    meals = int(near(gia * 0.9)) if site["inpatient"] else None
    return {
        "level": "site", "ods_code": org.code, "financial_year": year,
        **{key: site[key] for key in ("site_code", "site_name", "site_type", "tenure")},
        "gia_m2": gia, "occupied_m2": occupied, "clinical_m2": round(occupied - non_clinical, 1),
        "non_clinical_m2": non_clinical, "empty_m2": round((gia - occupied) * 0.6, 1),
        "under_used_m2": round(occupied * site["under_used"], 1), "hard_fm_gbp": round(near(gia * site["hard"]), 2),
        "soft_fm_gbp": round(near(gia * site["soft"]), 2), "finance_gbp": round(near(gia * site["finance"]), 2),
        "energy_gbp": round(near(occupied * site["energy"]), 2),
        "electricity_kwh": round(near(occupied * site["electricity"]), 1),
        "gas_kwh": round(near(occupied * site["gas"]), 1), "cleaning_gbp": round(near(occupied * site["cleaning"]), 2),
        "food_gbp": round(near(meals * site["meal"], 0.02), 2) if meals else None, "meal_days": meals,
        **dict(zip(BACKLOG, backlog, strict=True)), "backlog_total_gbp": round(sum(backlog), 2),
        "age_profile_total_pct": 100.0, "value_status": "estimated" if site["estimated"] else "measured",
    }  # fmt: skip


def _total(org: Organisation, year: str, sites: list[Site]) -> Site:
    sums = {}
    for column in SUMMED:
        values = [site[column] for site in sites if site[column] is not None]
        sums[column] = round(sum(values), 2) if column != "meal_days" else sum(values)
    return {
        "level": "trust", "ods_code": org.code, "financial_year": year, "site_code": org.code, "site_name": org.name,
        **sums, "age_profile_total_pct": 100.0, "value_status": "measured",
    }  # fmt: skip


def _row(values: Site) -> list[str]:
    return [_text(column, values.get(column)) for column in COLUMNS]


def _text(column: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.1f}" if column.endswith(("_m2", "_kwh", "_pct")) else f"{value:.2f}"
    return str(value)
