"""Finance oversight: random returns, and their figures a second time, written from the methods in words and not from the SQL."""

import math

import numpy as np
from random_returns import numbers
from second_calculation import ratio


def metrics(now, year, period, others):
    """FN01-FN08 of one trust; the score counts how many of a component's bounds its value fails."""
    f = now.iloc[0]
    margin, plan = 100 * f.surplus_ytd_gbp / f.income_ytd_gbp, 100 * f.plan_surplus_ytd_gbp / f.plan_income_ytd_gbp
    over = f.agency_spend_ytd_gbp - f.agency_ceiling_ytd_gbp
    scores = [
        1
        + sum(
            [f.capital_service_capacity <= 2.5, f.capital_service_capacity < 1.75, f.capital_service_capacity < 1.25]
        ),
        1 + sum([f.liquidity_days <= 0, f.liquidity_days < -7, f.liquidity_days < -14]),
        1 + sum([margin <= 1, margin < 0, margin <= -1]),
        1 + sum([margin - plan < 0, margin - plan < -1, margin - plan <= -2]),
        1 + sum([over > 0, 100 * over / f.agency_ceiling_ytd_gbp > 25, 100 * over / f.agency_ceiling_ytd_gbp > 50]),
    ]
    score = float(max(round(np.mean(scores)), 3 if max(scores) == 4 else 1))

    def alone(value):
        return (value, math.nan, value, math.nan)

    return {
        "FN01": alone(f.capital_service_capacity),
        "FN02": alone(f.liquidity_days),
        "FN03": (f.surplus_ytd_gbp, f.income_ytd_gbp, margin, math.nan),
        "FN04": alone(margin - plan),
        "FN05": ratio(now, now.agency_spend_ytd_gbp - now.agency_ceiling_ytd_gbp, now.agency_ceiling_ytd_gbp),
        "FN06": alone(score),
        "FN07": alone(f.sof_segment),
        "FN08": ratio(now, now.cip_actual_ytd_gbp, now.cip_plan_ytd_gbp),
    }


def rows(rng, code, period):
    """One row whose margins and scores lie on both sides of the bounds."""
    made = {
        "surplus_ytd_gbp": round(rng.uniform(-20, 20), 2),
        "plan_surplus_ytd_gbp": round(rng.uniform(-20, 20), 2),
    }
    made |= {"income_ytd_gbp": 1000.0, "plan_income_ytd_gbp": round(rng.uniform(900, 1100), 2)}
    made |= {"agency_spend_ytd_gbp": round(rng.uniform(80, 180), 2), "agency_ceiling_ytd_gbp": 100.0}
    made |= {
        "capital_service_capacity": round(rng.uniform(0, 4), 2),
        "liquidity_days": round(rng.uniform(-20, 9), 1),
    }
    return [numbers("finance_oversight", rng) | made | {"sof_segment": rng.randint(1, 4)}]
