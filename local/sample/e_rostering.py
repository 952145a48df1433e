"""E-rostering returns: one row a ward, hours that give the stated care hours a patient day, sized to the workforce return."""

from typing import Any

import numpy as np

from . import workforce
from .tables import Table
from .world import Organisation, World, days_in

COLUMNS = [
    "ods_code", "period", "site_code", "ward_id", "ward_specialty", "patient_days", "reg_day_planned_h",
    "reg_day_actual_h", "reg_night_planned_h", "reg_night_actual_h", "unreg_day_planned_h", "unreg_day_actual_h",
    "unreg_night_planned_h", "unreg_night_actual_h", "chppd_submitted", "bank_hours", "agency_hours",
    "contracted_hours", "net_hours_owed", "approval_lead_days", "annual_leave_pct", "unavailability_pct",
    "funded_headroom_pct", "additional_duties", "template_duties", "ward_pay_gbp",
]  # fmt: skip
SHIFTS = ("reg_day", "reg_night", "unreg_day", "unreg_night")
HOURS_PER_FTE = 162.9  # 37.5 hours x 52.14 weeks / 12, before leave

# Specialty -> care hours a patient day, fewest and most beds.
SPECIALTIES = {
    "adult_acute": (9.0, 16, 22),
    "older_adult": (10.0, 14, 22),
    "picu": (18.5, 8, 11),
    "rehab": (7.5, 12, 20),
    "forensic": (13.5, 12, 17),
    "learning_disability": (15.0, 8, 12),
    "camhs": (15.5, 8, 13),
    "community_inpatient": (6.5, 18, 26),
    "other": (8.0, 10, 18),
}
WARDS = {
    "community": ("community_inpatient", "rehab", "older_adult", "community_inpatient", "other"),
    "mental_health": ("adult_acute", "older_adult", "picu", "adult_acute", "rehab", "forensic", "camhs"),
}
BOTH = ("adult_acute", "community_inpatient", "older_adult", "picu", "rehab", "learning_disability", "forensic")


def tables(world: World, org: Organisation) -> dict[str, Table]:
    """The clean return of each month of one provider, by period."""
    return world.once(("e_rostering", org.code), lambda: _tables(world, org))


def actual_hours(table: Table, line: int) -> float:
    """All hours worked on a ward."""
    return sum(table.number(line, f"{shift}_actual_h") for shift in SHIFTS)


def substantive_fte(table: Table) -> float:
    """Full-time equivalent of the hours that own staff worked, over all wards."""
    hours = sum(actual_hours(table, line) for line in range(2, len(table.rows) + 2))
    return (hours - table.total("bank_hours") - table.total("agency_hours")) / HOURS_PER_FTE


def _tables(world: World, org: Organisation) -> dict[str, Table]:
    rng = world.rng("e_rostering", org.code)
    nursing = workforce.nursing_fte(workforce.tables(world, org)[world.periods[0]])
    wards = int(np.clip(round(nursing * rng.uniform(0.3, 0.5) * HOURS_PER_FTE / 4600), 5, 20))
    kinds = WARDS.get(org.sector, BOTH)
    ward = [_ward(rng, org, n, kinds[n % len(kinds)], wards) for n in range(wards)]
    lead, leave, owed = rng.uniform(26, 56), rng.uniform(12, 15.5), rng.uniform(-60, 120)
    return {period: Table(list(COLUMNS), [_row(rng, org, period, w, lead, leave, owed) for w in ward])
            for period in world.periods}  # fmt: skip


def _ward(rng: np.random.Generator, org: Organisation, number: int, kind: str, wards: int) -> dict[str, Any]:
    chppd, fewest, most = SPECIALTIES[kind]
    return {
        "site": f"{org.code[:3]}{number * 4 // wards + 1:02d}",
        "id": f"W{number + 1:02d}",
        "kind": kind,
        "beds": int(rng.integers(fewest, most + 1)),
        "occupied": rng.uniform(0.86, 0.96),
        "chppd": chppd * rng.uniform(0.88, 1.12),
        "registered": rng.uniform(0.42, 0.58),
        "day": rng.uniform(0.55, 0.62),
        "bank": rng.uniform(0.06, 0.18),
        "agency": rng.uniform(0.005, 0.05),
        "headroom": rng.uniform(19, 26),
        "pay": rng.uniform(19.5, 24.0) * (1.12 if org.is_london else 1.0),
    }


def _row(
    rng: np.random.Generator, org: Organisation, period: str, w: dict[str, Any], lead: float, leave: float, owed: float
) -> list[str]:
    patient_days = int(w["beds"] * days_in(period) * min(0.99, w["occupied"] * rng.uniform(0.985, 1.015)))
    hours = patient_days * w["chppd"] * rng.uniform(0.97, 1.03)
    shares = (
        w["registered"] * w["day"], w["registered"] * (1 - w["day"]),
        (1 - w["registered"]) * w["day"], (1 - w["registered"]) * (1 - w["day"]),
    )  # fmt: skip
    actual = [round(hours * share, 2) for share in shares]
    planned = [round(worked / rng.uniform(0.86, 1.12), 2) for worked in actual]
    total = sum(actual)
    bank, agency = round(total * w["bank"], 2), round(total * w["agency"], 2)
    duties = round(total / 7.5 * 0.4)
    return [
        org.code, period, w["site"], w["id"], w["kind"], str(patient_days),
        *(f"{value:.2f}" for pair in zip(planned, actual, strict=True) for value in pair),
        f"{total / patient_days:.2f}", f"{bank:.2f}", f"{agency:.2f}", f"{(total - bank - agency) * 1.27:.2f}",
        f"{owed + rng.uniform(-80, 80):.2f}", str(int(lead + rng.uniform(-6, 8))),
        f"{leave + rng.uniform(-1.2, 1.4):.2f}", f"{rng.uniform(19, 30):.2f}", f"{w['headroom']:.2f}",
        str(int(duties * rng.uniform(0.01, 0.09))), str(max(1, duties)), f"{total * w['pay']:.2f}",
    ]  # fmt: skip
