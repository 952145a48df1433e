"""Corporate services: random returns, and their figures a second time, written from the methods in words and not from the SQL."""

import math

import numpy as np
from random_returns import numbers
from second_calculation import NONE
from trust_benchmarks import schemas

RATES = {
    "CS03": "finance",
    "CS04": "hr",
    "CS05": "imt",
    "CS06": "procurement",
    "CS07": "governance_risk",
    "CS08": "legal",
}


def metrics_of_all(own, period, others):
    """CS01-CS10 by trust; the line goes through all of them."""
    now = own[own.period == period]
    cost, income = (
        now.groupby("provider_code").net_cost_gbp.sum(),
        now.groupby("provider_code").trust_income_gbp.first(),
    )
    intercept, slope = huber(np.log(income.to_numpy()), np.log(cost.to_numpy()))
    found = {}
    for code, rows in now.groupby("provider_code"):
        rows, earned = rows.set_index("function"), income[code]
        expected = math.exp(intercept + slope * math.log(earned))
        spent = {"CS01": cost[code]} | {metric: rows.net_cost_gbp[name] for metric, name in RATES.items()}
        found[code] = {metric: (gbp, earned, 100 * gbp / earned, earned / 100) for metric, gbp in spent.items()}
        found[code] |= {
            "CS02": (cost[code], expected, cost[code] / expected, expected),
            "CS09": each(rows.loc["payroll"], "net_cost_gbp", "payslips"),
            "CS10": each(rows.loc["finance"], "accounts_payable_gbp", "invoices"),
        }
    return found


def each(row, cost, kind):
    """The cost of one of what the volume counts, if it counts that."""
    if row.volume_type != kind or math.isnan(row.volume) or math.isnan(row[cost]):
        return NONE
    return (row[cost], row.volume, row[cost] / row.volume if row.volume > 0 else math.nan, row.volume)


def huber(x, y):
    """Intercept and slope, by weighing again and again: a residual beyond 1.345 of the spread counts less, as it is farther off."""
    weights = np.ones_like(x)
    for _ in range(2000):
        middle, level = np.average(x, weights=weights), np.average(y, weights=weights)
        slope = np.average((x - middle) * (y - level), weights=weights) / np.average((x - middle) ** 2, weights=weights)
        residuals = y - level - slope * (x - middle)
        far = np.abs(residuals) / (np.median(np.abs(residuals)) / 0.6744897501960817)
        weights = 1 / np.maximum(1, far / 1.345)
    return level - slope * middle, slope


def rows(rng, code, period):
    """The seven functions; income is the same in all rows."""
    income = round(rng.uniform(500, 50000), 2)
    return [
        numbers("corporate_services", rng)
        | {
            "function": function,
            "net_cost_gbp": round(rng.uniform(-5, 400), 2),
            "volume_type": rng.choice(["payslips", "invoices"]),
            "trust_income_gbp": income,
        }
        for function in schemas.load("corporate_services").fields["function"].options
    ]
