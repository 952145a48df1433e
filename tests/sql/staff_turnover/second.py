"""Staff turnover: random returns, and their figures a second time, written from the methods in words and not from the SQL."""

import math

import numpy as np
from second_calculation import NONE
from trust_benchmarks import schemas

INFRASTRUCTURE = ["central_functions", "hotel_property_estates", "senior_managers", "managers"]


def metrics(now, year, period, others):
    """Metrics of one trust in the national file: the publisher's totals, and twelve months of them for turnover."""

    end = totals(now, "staff_at_end")
    found = dict.fromkeys(("WF01", "WF02", "WF05", "WF11"), NONE)
    if len(end):
        fte, people = end.fte.iloc[0], end.headcount.iloc[0]
        four = now[(now.flow == "staff_at_end") & now.staff_group.isin(INFRASTRUCTURE)].fte.sum()
        found["WF01"] = (fte, math.nan, fte, math.nan)
        found["WF02"] = (fte, people, fte / people, math.nan)
        found["WF11"] = (four, fte, 100 * four / fte, math.nan)
    leavers, people = _year(year)
    if len(people) == 12:
        found["WF05"] = (sum(leavers), np.mean(people), 100 * sum(leavers) / np.mean(people), math.nan)
    return found


def months(year):
    """Of how many months it is known how many there were and how many left."""
    return {"WF05": len(_year(year)[0])}


def totals(rows, flow):
    return rows[(rows.flow == flow) & (rows.staff_group == "all")]


def _year(year):
    leavers, people = [], []
    for _, rows in year.groupby("period"):
        went = rows[rows.flow == "leavers"]
        if len(totals(rows, "staff_at_end")) and (not len(went) or len(totals(rows, "leavers"))):
            people.append(totals(rows, "staff_at_end").headcount.iloc[0])
            leavers.append(totals(rows, "leavers").headcount.sum())
    return leavers, people


def rows(rng, code, period):
    """Every flow and staff group, but for some: of one trust many joiners and leavers."""
    fields = schemas.load("staff_turnover").fields
    return [
        {"flow": flow, "staff_group": group, "headcount": rng.randint(1, 900), "fte": round(rng.uniform(1, 900), 5)}
        for flow in fields["flow"].options
        for group in fields["staff_group"].options
        if rng.random() > (0.01 if flow.startswith("staff") else 0.3 if code == "T00" else 0.002)
    ]
