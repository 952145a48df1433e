"""Out of area placements: random returns, and their figures a second time, written from the methods in words and not from the SQL."""

import math

from second_calculation import NONE

# Most cost of out-of-area placements is withheld, and there is one metric.
FEWEST = 5


def metrics(now, year, period, others):
    """OA05 of one trust: tries every number of days that may have a cost, and takes a month where one alone fits."""
    known = _known(year)
    if period not in known:
        return {"OA05": NONE}
    cost, days = (sum(parts) for parts in zip(*known.values(), strict=True))
    return {"OA05": (cost, days, cost / days if days else math.nan, days)}


def months(year):
    """Of how many of the last three months cost and days with cost are known."""
    return {"OA05": len(_known(year))}


def _known(year):
    """(cost, days with cost) of each of the last three months where both are known."""
    found = {}
    for month in sorted(set(year.period))[-3:]:
        rows = year[year.period == month]
        told = {q: rows[rows.question == q].iloc[0] for q in ("days", "cost_gbp", "share_of_days_with_cost")}
        share, spent = told["share_of_days_with_cost"].rounded_value, told["cost_gbp"].value
        whole = told["days"].value
        if math.isnan(whole) or math.isnan(share) or math.isnan(spent):
            continue
        # In thousandths, so that no half is lost to the way that computers keep decimals.
        fit = [k for k in range(int(whole) + 1) if abs(1000 * k - round(1000 * share) * whole) <= 5 * whole]
        if len(fit) == 1:
            found[month] = (spent, fit[0])
    return found


def rows(rng, code, period):
    """Cost, days and the share of days with cost of one trust: exact, rounded, suppressed or written with six digits."""
    days = rng.choice([0, *(rng.randint(1, 99) for _ in range(4)), rng.randint(1, 400)])
    with_cost = rng.choice([days, days, rng.randint(0, days)])
    found = []
    for question, value in (
        ("days", float(days)),
        ("cost_gbp", float(with_cost * 500)),
        ("share_of_days_with_cost", None),
    ):
        row = {"org_type": "sending_provider", "org_code": "T", "breakdown": "none", "question": question}
        status = rng.choice(["exact"] * 18 + ["suppressed", "six_digits"])
        if question == "share_of_days_with_cost" and status == "exact":
            status, row["rounded_value"] = "rounded", round(with_cost / days, 2) if days else 0.0
        elif status == "exact":
            row["value"] = value
        found.append(row | {"value_status": status})
    return found
