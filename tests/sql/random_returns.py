"""Random returns with blanks, zeros and gaps, for comparing two calculations over them."""

import dataclasses
import random

import polars as pl
import second_calculation
import sql_cases
from trust_benchmarks import catalogue, reference, schemas
from trust_benchmarks.measures import measure

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
        periods = periods_of(name) if name == collection else _used(collection)
        for period in periods:
            together = []  # what was sent for a period is recorded together, as by one task
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
                together.append(frame)
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
            frame = pl.concat(together)
            records[name].append(out / f"{name}-{period}.parquet")
            frame.write_parquet(records[name][-1], compression="lz4")
            parts.append(frame.with_columns(pl.lit(period).alias("period")))
        frames[name] = pl.concat(parts)
    period = periods_of(collection)[-1]
    national = catalogue.load(collection).is_national
    due = [] if national else [(collection, p, c) for p in periods_of(collection) for c in codes]
    inputs = measure.Inputs(
        collection=collection,
        period=period,
        records=records,
        submissions=pl.DataFrame(submissions, schema=measure.SUBMISSIONS),
        expected=pl.DataFrame(due, schema=measure.EXPECTED, orient="row"),
        reference=dataclasses.replace(reference.load(), providers=providers(), successions=[]),
    )
    return inputs, frames


def periods_of(collection: str) -> list[str]:
    """The periods that returns are made for."""
    return MONTHS if catalogue.load(collection).frequency == "month" else ["2023-24", YEAR]


def _used(collection: str) -> list[str]:
    """The months of which a collection's figures read others' returns, as a release gathers them."""
    declared = catalogue.load(collection)
    return MONTHS[-1 - declared.uses_back :] if declared.frequency == "month" else MONTHS[:12]


def _rows(collection, rng, code, period):
    own = second_calculation.of(collection)
    return own.rows(rng, code, period) if hasattr(own, "rows") else [numbers(collection, rng)]


def numbers(collection, rng, without=()):
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
