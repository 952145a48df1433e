"""The national sickness file of a month in the publisher's column layout, with invented figures."""

import datetime as dt
from collections.abc import Sequence

from trust_benchmarks.reference.tables import Tables

from . import workforce
from .tables import Table
from .world import World, days_in, last_day

COLUMNS = [
    "DATE", "NHSE_REGION_CODE", "NHSE_REGION_NAME", "ICS_CODE", "ICS_NAME", "ORG_CODE", "ORG_NAME", "ORG_TYPE",
    "FTE_DAYS_LOST", "FTE_DAYS_AVAILABLE", "SICKNESS_ABSENCE_RATE_PERCENT",
]  # fmt: skip
REGIONS = {
    "London": "Y56", "South West": "Y58", "South East": "Y59", "Midlands": "Y60", "East of England": "Y61",
    "North West": "Y62", "North East and Yorkshire": "Y63",
}  # fmt: skip
ORG_TYPES = {
    "community": "Community Provider Trust", "mental_health": "Mental Health", "combined": "Mental Health",
    "integrated": "Acute", "acute": "Acute", "acute_specialist": "Acute", "ambulance": "Ambulance",
    "other": "Others", "social_enterprise": "Community Provider Trust",
}  # fmt: skip
NONE = "Special Health Authorities and other statutory bodies"
# Bodies that are not providers: real codes and names, so that a reader must tell them apart.
BODIES = (
    ("QZZ", NONE, "QZZ", NONE, "0AR", "NHS North of England Commissioning Support Unit", "Commissioning Support Unit"),
    ("QZZ", NONE, "QZZ", NONE, "0CX", "NHS Midlands and Lancashire Commissioning Support Unit", "Commissioning Support Unit"),
    ("QZZ", NONE, "QZZ", NONE, "0DE", "NHS Arden and Greater East Midlands Commissioning Support Unit", "Commissioning Support Unit"),
    ("QZZ", NONE, "QZZ", NONE, "0DF", "NHS South, Central and West Commissioning Support Unit", "Commissioning Support Unit"),
    ("Y62", "North West", "QOP", "Greater Manchester", "QOP", "NHS Greater Manchester ICB", "Integrated Care Board"),
    ("Y58", "South West", "QJK", "Devon", "QJK", "NHS Devon ICB", "Integrated Care Board"),
    ("Y59", "South East", "QKS", "Kent and Medway", "QKS", "NHS Kent and Medway ICB", "Integrated Care Board"),
    ("Y63", "North East and Yorkshire", "QOQ", "Humber and North Yorkshire", "QOQ", "NHS Humber and North Yorkshire ICB", "Integrated Care Board"),
)  # fmt: skip
SEASON = workforce.SEASON


def table(world: World, tables: Tables, period: str) -> Table:
    """The clean file of a month: every trust open at its end; the sample's providers as in their workforce returns.

    Args:
        tables: the reference data, for the other trusts' codes, names and regions.
    """
    day = last_day(period)
    own = {org.code: org for org in world.organisations if period in org.periods}
    rows = [_row(day, body, *_days(world, body[4], period, 60, 900)) for body in BODIES]
    for code in sorted({*own, *tables.expected(tuple(ORG_TYPES), day)}):
        provider = tables.provider(code)
        region = REGIONS.get(provider.region)
        if region is None:
            continue  # Welsh trusts are in ODS's file of trusts, but not in NHS England's figures.
        head = (
            region,
            provider.region,
            "QXX",
            "Sample care system",
            code,
            tables.name_on(code, day),
            ORG_TYPES[provider.sector],
        )
        if code in own:
            sent = workforce.tables(world, own[code])[period]
            lost, available = sent.total("fte_days_lost"), sent.total("fte_days_available")
        else:
            lost, available = _days(world, code, period, 1500, 16000)
        rows.append(_row(day, head, lost, available))
    return Table(list(COLUMNS), rows)


def _days(world: World, code: str, period: str, fewest: int, most: int) -> tuple[float, float]:
    steady, month = world.rng("sickness", code), world.rng("sickness", code, period)
    available = steady.uniform(fewest, most) * days_in(period) * month.uniform(0.985, 1.0)
    rate = steady.uniform(0.035, 0.06) * SEASON[int(period[5:]) - 1] * month.uniform(0.95, 1.05)
    return available * rate, available


def _row(day: dt.date, head: Sequence[str], lost: float, available: float) -> list[str]:
    lost, available = round(lost, 5), round(available, 5)
    return [f"{day:%d/%m/%Y}", *head, repr(lost), repr(available),
            f"{100 * lost / available:.2f}".rstrip("0").rstrip(".")]  # fmt: skip
