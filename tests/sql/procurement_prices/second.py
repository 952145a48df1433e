"""Procurement prices: random returns, and their figures a second time, written from the methods in words and not from the SQL."""

import datetime as dt
import math

import numpy as np
from random_returns import MONTHS
from second_calculation import NONE, in_year


def prices(records, period):
    """(spread, position, measures by trust) of the lines of the twelve months ending in `period`."""
    lines = records[[in_year(month, period) for month in records.period]].reset_index(drop=True)
    lines["key"] = list(zip(lines.provider_code, lines.po_number, lines.po_line, strict=True))
    last = {}
    for i, row in lines[lines.line_type == "adjustment"].iterrows():
        at = (row.period, row.order_date, row.line)
        if row.key not in last or at > last[row.key][0]:
            last[row.key] = (at, i)
    keep = {i for _, i in last.values()}
    lines = lines[
        [
            i in keep if kind == "adjustment" else kind == "credit" or key not in last
            for i, kind, key in zip(lines.index, lines.line_type, lines.key, strict=True)
        ]
    ].copy()
    lines["each"] = lines.unit_price_gbp / lines.units_per_issue
    lines["units"] = lines.quantity * lines.units_per_issue
    known = lines[lines.product_code.notna() & lines.code_type.isin(["gtin", "npc", "mpc"])]
    spread, position, matched = [], [], {}
    for (product, code_type), group in known.groupby(["product_code", "code_type"]):
        median = np.median(group[group.line_type != "credit"].each)
        bad = (group.each < 0.2 * median) | (group.each > 5 * median)
        trusts = []
        for code, own in group[~bad].groupby("provider_code"):
            bought, units, spend = (own.line_type != "credit").sum(), own.units.sum(), own.line_value_gbp.sum()
            if bought and units > 1e-9 and spend > 1e-9:
                now = own[own.period == period].line_value_gbp.sum()
                trusts.append((code, bought, units, spend, spend / units, now))
        if len(trusts) < 3:
            continue
        each = np.array([t[4] for t in trusts])
        q1, mid, q3 = np.percentile(each, [25, 50, 75])
        low = min((t[4] for t in trusts if t[2] >= 3 - 1e-9), default=math.nan)
        bought, spend = sum(t[1] for t in trusts), sum(t[3] for t in trusts)
        words = group[group.provider_code == min(t[0] for t in trusts)].description.min()
        summary = (words, len(trusts), bought, spend, low, q1, mid, q3, each.max(), bad.sum())
        spread.append((product, code_type, *summary))
        for code, bought, units, spend, price, now in trusts:
            saving = max(0.0, price - mid) * units
            most = max(0.0, price - low) * units if low == low else math.nan
            position.append((product, code_type, code, bought, units, spend, price, price / mid - 1, saving, most))
            matched.setdefault(code, []).append((price, mid, units, spend, saving, most, now))
    found = {}
    for code, own in lines.groupby("provider_code"):
        m = matched.get(code, [])
        spend = sum(x[3] for x in m)
        over = sum((x[0] - x[1]) * x[2] for x in m)
        near = sum(x[3] for x in m if abs(x[0] / x[1] - 1) <= 0.05)
        month = own[own.period == period]
        told = own[own.national_contract.notna()]
        national = told[told.national_contract.astype(bool)].line_value_gbp.sum()
        saving, most = sum(x[4] for x in m), sum(x[5] for x in m if x[5] == x[5])
        now, all_now = sum(x[6] for x in m), month.line_value_gbp.sum()
        found[code] = {
            "PP01": (over, spend, 100 * over / spend, math.nan) if m else NONE,
            "PP02": (saving, math.nan, saving, math.nan) if m else NONE,
            "PP03": (most, math.nan, most, math.nan) if m else NONE,
            "PP04": (near, spend, 100 * near / spend, math.nan) if m else NONE,
            "PP05": (now, all_now, 100 * now / all_now, math.nan) if all_now > 0 else NONE,
            "PP06": (national, told.line_value_gbp.sum(), 100 * national / told.line_value_gbp.sum(), math.nan),
        }
    return spread, position, found


def metrics_of_all(own, period, others):
    """Metrics by trust: prices are compared between trusts, so all are worked out at once."""
    return prices(own, period)[2]


def rows(rng, code, period):
    """Sixty order lines."""
    return [_line(rng, code, period, i) for i in range(60)]


def _line(rng, code, period, i):
    product = rng.randint(1, 25)
    units = rng.choice([1.0, 10.0, 12.5])
    price = round(product * units * rng.uniform(0.7, 1.4) * rng.choice([1] * 30 + [12, 0.05]), 4)
    kind = rng.choice(["order"] * 16 + ["credit", "adjustment"])
    quantity = float(rng.randint(1, 9)) * (-1 if kind == "credit" else 1)
    year, month = map(int, period.split("-"))
    return {
        "po_number": f"A{rng.randrange(60)}-{rng.choice(MONTHS)}" if kind == "adjustment" else f"A{i}-{period}",
        "po_line": 1,
        "order_date": dt.date(year, month, rng.randint(1, 28)),
        "product_code": f"P{product}" if rng.random() > 0.05 else None,
        "code_type": rng.choice(["gtin"] * 8 + ["npc", "local"]),
        "description": f"{rng.choice('abc')} product {product}",
        "unit_of_issue": "box",
        "units_per_issue": units,
        "quantity": quantity,
        "unit_price_gbp": price,
        "line_value_gbp": round(price * quantity, 2),
        "line_type": kind,
        "national_contract": rng.choice([None, True, False]),
    }
