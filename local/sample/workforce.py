"""Workforce returns: ten staff groups a trust and month whose stocks, flows, days and pay agree from month to month."""

import numpy as np

from .tables import Table, text
from .world import Organisation, World, days_in

COLUMNS = [
    "ods_code", "period", "staff_group", "headcount", "fte", "role_count", "establishment_fte", "joiners_hc",
    "leavers_hc", "fte_days_available", "fte_days_lost", "bank_fte", "agency_fte", "substantive_pay_gbp",
    "bank_pay_gbp", "agency_pay_gbp", "community_contacts", "job_plans_due", "job_plans_signed_off",
    "appraisals_due", "appraisals_done", "training_due_hc", "training_compliant_hc",
]  # fmt: skip

# Staff group -> share of FTE in community and in mental health trusts, FTE a head, sickness rate %, pay a FTE and month.
GROUPS = {
    "hchs_doctors": (0.030, 0.070, 0.90, 2.2, 9400),
    "nurses_health_visitors": (0.330, 0.300, 0.88, 5.6, 4300),
    "midwives": (0.004, 0.003, 0.82, 5.4, 4400),
    "scientific_therapeutic_technical": (0.210, 0.180, 0.87, 4.2, 4250),
    "support_to_clinical": (0.250, 0.270, 0.86, 6.8, 2750),
    "central_functions": (0.075, 0.080, 0.92, 4.4, 3300),
    "hotel_property_estates": (0.055, 0.045, 0.84, 6.6, 2500),
    "senior_managers": (0.010, 0.011, 0.97, 2.4, 9100),
    "managers": (0.022, 0.023, 0.96, 3.1, 6100),
    "other": (0.014, 0.018, 0.89, 4.0, 3000),
}
NURSING = ("nurses_health_visitors", "midwives", "support_to_clinical")
CLINICAL = ("nurses_health_visitors", "scientific_therapeutic_technical", "support_to_clinical")
SEASON = (1.16, 1.08, 0.98, 0.93, 0.92, 0.94, 0.98, 0.97, 0.99, 1.06, 1.10, 1.15)  # January to December


def tables(world: World, org: Organisation) -> dict[str, Table]:
    """The clean return of each month of one provider, by period."""
    return world.once(("workforce", org.code), lambda: _tables(world, org))


def nursing_fte(table: Table) -> float:
    """FTE of nursing and support staff in a return."""
    return sum(table.number(table.lines(staff_group=group)[0], "fte") for group in NURSING)


def _tables(world: World, org: Organisation) -> dict[str, Table]:
    rng = world.rng("workforce", org.code)
    names = list(GROUPS)
    shares = np.array([g[0] if org.sector == "community" else g[1] for g in GROUPS.values()])
    shares = shares * rng.uniform(0.9, 1.1, 10)
    per_head = np.array([g[2] for g in GROUPS.values()]) + rng.uniform(-0.02, 0.02, 10)
    sickness = np.array([g[3] for g in GROUPS.values()]) * rng.uniform(0.8, 1.15)
    pay = np.array([g[4] for g in GROUPS.values()]) * rng.uniform(0.96, 1.04) * (1.14 if org.is_london else 1.0)
    vacancy = rng.uniform(1.04, 1.14, 10)
    bank_share, agency_share = rng.uniform(0.02, 0.07), rng.uniform(0.004, 0.03)
    done = {name: rng.uniform(0.76, 0.97) for name in ("plans", "appraisals", "training")}
    contacts = rng.uniform(45, 75) if org.sector != "mental_health" else 0.0
    leaving = rng.uniform(0.007, 0.011)

    heads = np.maximum(4, np.round(org.size * shares / shares.sum() / per_head)).astype(int)
    result = {}
    for month, period in enumerate(world.periods):
        days = days_in(period)
        leavers = np.round(heads * leaving * rng.uniform(0.7, 1.3, 10)).astype(int)
        joiners = leavers + np.round(heads * rng.uniform(-0.004, 0.006, 10)).astype(int)
        joiners = np.maximum(joiners, 0)
        for at, group, share in world.shocks.get(org.code, ()):
            if at == month:
                chosen = np.array([group in ("", name) for name in names])
                joiners = joiners + np.where(chosen, np.ceil(heads * share).astype(int), 0)
        heads = heads + joiners - leavers
        fte = np.round(heads * per_head, 2)
        available = np.round(fte * days * rng.uniform(0.985, 1.0, 10), 2)
        rate = sickness * SEASON[int(period[5:]) - 1] * rng.uniform(0.92, 1.08, 10) / 100
        lost = np.round(available * np.minimum(rate, 0.11), 2)
        roles = heads + np.round(heads * rng.uniform(0.005, 0.03, 10)).astype(int)
        established = np.round(fte * vacancy, 2)
        bank = np.round(fte * bank_share * rng.uniform(0.8, 1.2, 10), 2)
        agency = np.round(fte * agency_share * rng.uniform(0.8, 1.2, 10), 2)
        substantive_pay = np.round(fte * pay * rng.uniform(0.985, 1.015, 10), 2)
        bank_pay = np.round(bank * pay * 1.05, 2)
        agency_pay = np.round(agency * pay * 1.45, 2)
        appraisals = np.round(heads * 0.93).astype(int)
        appraised = np.floor(appraisals * np.minimum(0.99, done["appraisals"] * rng.uniform(0.97, 1.03, 10)))
        trained = np.floor(heads * np.minimum(0.99, done["training"] * rng.uniform(0.97, 1.03, 10)))
        rows = []
        for i, group in enumerate(names):
            seen = int(fte[i] * contacts * rng.uniform(0.95, 1.05)) if contacts and group in CLINICAL else None
            plans = int(heads[i] * 0.88) if group == "hchs_doctors" else None
            signed = int(plans * done["plans"]) if plans is not None else None
            rows.append(
                [
                    org.code, period, group, str(heads[i]), f"{fte[i]:.2f}", str(roles[i]), f"{established[i]:.2f}",
                    str(joiners[i]), str(leavers[i]), f"{available[i]:.2f}", f"{lost[i]:.2f}", f"{bank[i]:.2f}",
                    f"{agency[i]:.2f}", f"{substantive_pay[i]:.2f}", f"{bank_pay[i]:.2f}", f"{agency_pay[i]:.2f}",
                    text(seen), text(plans), text(signed), str(appraisals[i]), str(int(appraised[i])),
                    str(heads[i]), str(int(trained[i])),
                ]
            )  # fmt: skip
        result[period] = Table(list(COLUMNS), rows)
    return result
