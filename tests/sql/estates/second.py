"""Estates: random returns, and their figures a second time, written from the methods in words and not from the SQL."""

import math

from random_returns import numbers
from second_calculation import NONE, ratio


def metrics(now, year, period, others):
    """Metrics of one trust over its sites; its workforce rows of all months are among the others."""
    staff = others["workforce"]
    s = now[now.level == "site"].reset_index(drop=True)
    if s.empty:
        return {f"ES{i:02d}": NONE for i in range(1, 12)}
    running = s.hard_fm_gbp + s.soft_fm_gbp
    full = running + s.finance_gbp
    cost = ratio(s, full, s.occupied_m2, 1, lambda area: area)
    per_m2 = cost[2]
    found = {
        "ES01": ratio(s, running, s.gia_m2, 1, lambda area: area),
        "ES02": cost,
        "ES03": ratio(s, s.non_clinical_m2, s.clinical_m2 + s.non_clinical_m2),
        "ES04": ratio(s, s.empty_m2, s.gia_m2, 100, lambda area: area * per_m2 / 100),
        "ES05": ratio(s, s.under_used_m2, s.occupied_m2),
        "ES06": ratio(s, s.backlog_total_gbp, s.gia_m2, 1),
        "ES07": ratio(s, s.backlog_high_gbp + s.backlog_significant_gbp, s.backlog_total_gbp),
        "ES08": ratio(s, s.energy_gbp, s.occupied_m2, 1, lambda area: area),
        "ES09": ratio(s, s.cleaning_gbp, s.occupied_m2, 1, lambda area: area),
        "ES10": ratio(s, s.food_gbp, s.meal_days.astype(float), 1),
        "ES11": NONE,
    }
    months = staff[(staff.period >= "2024-04") & (staff.period <= "2025-03")].groupby("period").fte.sum()
    if len(months) == 12 and s.occupied_m2.notna().any():
        found["ES11"] = (s.occupied_m2.sum(), months.mean(), s.occupied_m2.sum() / months.mean(), math.nan)
    return found


def rows(rng, code, period):
    """Four rows, of sites and of the trust."""
    return [
        {"site_code": f"{code}{i:02d}", "level": rng.choice(["site", "site", "trust"])} | numbers("estates", rng)
        for i in range(4)
    ]
