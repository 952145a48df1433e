"""Random returns with blanks, zeros and gaps, for comparing two calculations over them."""

import dataclasses
import datetime as dt
import random

import polars as pl
import sql_cases
from trust_benchmarks import catalogue, reference, schemas
from trust_benchmarks.pipeline import measure

SECTORS = ["community"] * 11 + ["mental_health"] * 7 + ["combined"] * 4 + ["integrated"]
MONTHS = [f"2024-{m:02d}" for m in range(4, 13)] + [f"2025-{m:02d}" for m in range(1, 5)]
YEAR = "2024-25"


def providers() -> list[reference.Provider]:
    """23 trusts: sectors with enough peers for all figures, for a median, and for none."""
    return [
        reference.Provider(f"T{i:02d}", f"Trust {i}", s, "London", "trust", None, None) for i, s in enumerate(SECTORS)
    ]


def make(collection: str, seed: int, out) -> tuple[measure.Inputs, dict[str, pl.DataFrame]]:
    """Inputs of one collection over a year, and all their records by collection (with period) in one frame each."""
    rng = random.Random(f"{collection} {seed}")
    used = list(catalogue.load(collection).uses)
    submissions, records, frames = [], {}, {}
    codes = [p.code for p in providers()]
    for name in [collection, *used]:
        records[name], parts = [], []
        national = catalogue.load(name).is_national
        periods = ["2023-24", YEAR] if name == "estates" else MONTHS
        for period in periods:
            # One national file, or one of each trust except for a few that did not send.
            for sender in ["NHSE"] if national else [c for c in codes if rng.random() > 0.06]:
                submission_id = f"{name}-{sender}-{period}"
                rows = [
                    {"submission_id": submission_id, "provider_code": code, "body": "provider"} | row
                    for code in (codes if national else [sender])
                    for row in _rows(name, rng, code, period)
                ]
                frame = pl.DataFrame(
                    [r | {"line": i + 2} for i, r in enumerate(rows)], schema=sql_cases.record_types(name)
                )
                records[name].append(out / f"{submission_id}.parquet")
                frame.write_parquet(records[name][-1], compression="lz4")
                parts.append(frame.with_columns(pl.lit(period).alias("period")))
                held = not national and rng.random() < 0.2
                common = {
                    "collection": name,
                    "period": period,
                    "provider_code": None if national else sender,
                    "sender": sender,
                    "part": "",
                    "is_sample": rng.random() < 0.3,
                    "on_time": rng.random() < 0.8,
                    "cells_expected": 100,
                }
                if held:
                    first = {"submission_id": f"{submission_id}-held", "version": 1, "state": "held"}
                    submissions.append(common | first | {"is_current": False, "cells_valid": 10})
                state = rng.choice(["accepted", "accepted_with_warnings"])
                now = {"submission_id": submission_id, "version": 2 if held else 1, "state": state, "is_current": True}
                submissions.append(common | now | {"cells_valid": rng.randint(80, 100)})
        frames[name] = pl.concat(parts)
    period = YEAR if collection == "estates" else MONTHS[-1]
    due = [] if catalogue.load(collection).is_national else [(collection, m, c) for m in MONTHS for c in codes]
    inputs = measure.Inputs(
        collection=collection,
        period=period,
        records=records,
        submissions=pl.DataFrame(submissions, schema=measure.SUBMISSIONS),
        expected=pl.DataFrame(due, schema=measure.EXPECTED, orient="row"),
        reference=dataclasses.replace(reference.load(), providers=providers(), successions=[]),
    )
    return inputs, frames


def _rows(collection, rng, code, period):
    if collection == "workforce":
        groups = schemas.load("workforce").fields["staff_group"].options
        return [{"staff_group": g} | _numbers("workforce", rng) for g in groups if rng.random() > 0.02]
    if collection == "sickness_absence":
        return [_numbers(collection, rng)]
    if collection == "e_rostering":
        return [
            {"site_code": f"{code}01", "ward_id": f"W{i}", "net_hours_owed": rng.choice([None, -20.5, 0.0, 31.25])}
            | _numbers(collection, rng, {"net_hours_owed"})
            for i in range(rng.randint(1, 5))
        ]
    if collection == "estates":
        return [
            {"site_code": f"{code}{i:02d}", "level": rng.choice(["site", "site", "trust"])} | _numbers(collection, rng)
            for i in range(4)
        ]
    if collection == "staff_turnover":
        return [
            {"flow": flow, "staff_group": group, "headcount": rng.randint(1, 900), "fte": round(rng.uniform(1, 900), 5)}
            for flow in schemas.load(collection).fields["flow"].options
            for group in schemas.load(collection).fields["staff_group"].options
            if rng.random() > (0.01 if flow.startswith("staff") else 0.3 if code == "T00" else 0.002)
        ]
    if collection == "out_of_area_placements":
        return _placements(rng)
    if collection == "finance_oversight":
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
        return [_numbers(collection, rng) | made | {"sof_segment": rng.randint(1, 4)}]
    return [_line(rng, code, period, i) for i in range(60)]


def _placements(rng):
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


def _numbers(collection, rng, without=()):
    """Every numeric field: a tenth of the optional ones blank, a tenth zero."""
    row = {}
    for name, field in schemas.load(collection).fields.items():
        if field.kind in ("whole", "number") and name not in without:
            value = rng.randint(1, 1000) if field.kind == "whole" else round(rng.uniform(1, 1000), 2)
            value = 0 if rng.random() < 0.1 and field.gt is None else value
            row[name] = None if not field.required and rng.random() < 0.1 else type(value)(value)
            if row[name] is not None and field.kind == "number":
                row[name] = float(row[name])
    return row


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
